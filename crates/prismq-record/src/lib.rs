//! What a benchmark run leaves on disk: the records of its suites, the combined record, baselines and the
//! history, with their types, their JSON Schema, and how their files are named, read and written.
//!
//! The types are facts only. How a figure was measured is the harness's business, whether it is good enough
//! is `prismq-judge`'s, and how it is shown is `prismq-report`'s.

pub mod baseline;
pub mod criterion;
pub mod files;
pub mod fingerprint;
pub mod history;
pub mod quantiles;
mod record;
#[cfg(feature = "schema")]
pub mod schema;

pub use record::*;
