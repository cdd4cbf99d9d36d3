//! The record of a run: its schema, versions, contents, and what is refused.

mod combined;
mod contradictions;
mod hostile;
mod quantiles;
mod round_trip;
mod schema;
mod versions;
