//! What the scheduler has to say in the log. It is written once the scheduler is unlocked, as a subscriber
//! of the log may use the queue.

use std::time::Duration;

use crate::core::log_unread;
use crate::model::{Error, TaskId};

/// A line of the log.
#[derive(Debug)]
pub(in crate::pool) enum Remark {
    /// A handler outlasted its limit and grace.
    TimedOut { task: TaskId, worker: usize, limit: Duration },
    /// A payload was not read.
    Unread { task: TaskId, error: Error },
}

impl Remark {
    /// Writes it to the log.
    pub(in crate::pool) fn log(&self) {
        match self {
            Self::TimedOut { task, worker, limit } => tracing::warn!(
                %task, worker, ?limit,
                "handler did not return in time: its attempt is recorded as failed"
            ),
            Self::Unread { task, error } => log_unread(*task, error),
        }
    }
}
