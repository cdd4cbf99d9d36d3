//! How long a lease holds its task, and who may settle it.

mod duration;
mod expiry;
mod extension;
mod last_attempt;
mod loss;
mod reclaim;
mod suspects;
