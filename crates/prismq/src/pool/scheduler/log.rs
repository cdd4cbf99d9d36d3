//! Log lines of the scheduler, written once it is unlocked: a log subscriber may use the queue.

use std::sync::Arc;
use std::time::Duration;

use super::Scheduler;
use crate::core::log_unread;
use crate::model::{Error, TaskId};

/// A line of the log.
#[derive(Debug)]
pub(in crate::pool) enum LogEntry {
    /// A handler did not return within its limit and grace.
    TimedOut { queue: Arc<str>, task: TaskId, worker: usize, limit: Duration },
    /// A payload was not read.
    PayloadUnread { queue: Arc<str>, task: TaskId, error: Error },
}

impl LogEntry {
    /// Writes it to the log.
    pub(in crate::pool) fn write(&self) {
        match self {
            Self::TimedOut { queue, task, worker, limit } => tracing::warn!(
                %task, %queue, worker, ?limit,
                "handler exceeded its time limit and did not return: attempt recorded as failed; \
                 a future is dropped, a thread takes no tasks until its handler returns"
            ),
            Self::PayloadUnread { queue, task, error } => log_unread(queue, *task, error),
        }
    }
}

impl Scheduler {
    /// What is to be logged.
    pub(in crate::pool) fn take_log(&mut self) -> Vec<LogEntry> {
        std::mem::take(&mut self.log)
    }
}
