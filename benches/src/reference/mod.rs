//! Upper bounds: the disk itself, and the database on its own with the same schema.
//!
//! A suite measures a reference in the same round as the subject, so that the ratio of the two travels between
//! machines where neither figure does, and lets each go first in [`Turns`].

pub mod bound;
mod checkpoints;
pub mod disk;
mod payloads;
pub mod raw;
#[cfg(feature = "postgres")]
pub mod server;
pub mod switch;

use std::time::Duration;

use crate::base::error::Result;
use crate::base::number::as_f64;
use crate::observe::metrics::{Reading, SERVER_RATIO_TO_NAIVE, SERVER_US_PER_TASK};

/// This many tasks in that time, a second.
#[must_use]
pub fn per_s(tasks: usize, took: Duration) -> f64 {
    as_f64(u64::try_from(tasks).unwrap_or(u64::MAX)) / took.as_secs_f64()
}

/// What a task cost the server, of ours and of the reference, each with its number of tasks; nothing if the run has not
/// started the server, or the load was too small for the kernel's ticks.
#[must_use]
pub fn server_cost(
    ours: (Option<Duration>, usize),
    naive: (Option<Duration>, usize),
) -> Vec<Reading> {
    let each = |(time, tasks): (Option<Duration>, usize)| {
        Some(1e6 / per_s(tasks, time.filter(|time| !time.is_zero())?))
    };
    let (Some(ours), Some(naive)) = (each(ours), each(naive)) else { return Vec::new() };
    vec![SERVER_US_PER_TASK.reads(ours), SERVER_RATIO_TO_NAIVE.reads(ours / naive)]
}

/// Which of a subject and its reference goes first: each every other time, since the second may find what
/// the first has warmed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Turns {
    taken: usize,
}

impl Turns {
    /// Measures both.
    ///
    /// # Errors
    /// What either gives; the other may then not have been measured.
    pub fn both<E, R>(
        &mut self,
        subject: impl FnOnce() -> Result<E>,
        reference: impl FnOnce() -> Result<R>,
    ) -> Result<(E, R)> {
        self.taken += 1;
        if self.taken.is_multiple_of(2) {
            let reference = reference()?;
            Ok((subject()?, reference))
        } else {
            Ok((subject()?, reference()?))
        }
    }
}
