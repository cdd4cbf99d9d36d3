//! What an engine cannot pass: the disk itself, and SQLite on its own with the same schema.
//!
//! A suite measures a floor in the same round as the engine, right after it, so that the ratio of the
//! two travels between machines where neither figure does.

pub mod disk;
pub mod raw;

use std::time::Duration;

use crate::metrics::as_f64;

/// So many tasks in that time, a second.
#[must_use]
pub fn per_s(tasks: usize, took: Duration) -> f64 {
    as_f64(u64::try_from(tasks).unwrap_or(u64::MAX)) / took.as_secs_f64()
}
