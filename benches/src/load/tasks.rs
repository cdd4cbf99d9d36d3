//! Tasks of one type, numbered by their payloads, and a backlog of them.

use crate::base::error::Result;
use crate::subject::{
    DEFAULT_PRIORITY, DEFAULT_QUEUE, Load, Offered, Pace, Subject, TaskSpec, payload,
};

/// Attempts a task is given where none is meant to fail.
const ATTEMPTS: u32 = 5;

/// Bytes of the usual payload.
pub const PAYLOAD_BYTES: usize = 100;

/// Tasks in one transaction while a backlog is enqueued.
pub const ENQUEUE_BATCH: usize = 100;

/// Tasks of one type with the usual payload, numbered from 0.
#[must_use]
pub fn numbered(task_type: &'static str, count: usize) -> Vec<TaskSpec> {
    sized(task_type, count, PAYLOAD_BYTES)
}

/// Tasks of one type with payloads of this many bytes (at least 8), numbered from 0.
#[must_use]
pub fn sized(task_type: &'static str, count: usize, payload_bytes: usize) -> Vec<TaskSpec> {
    let numbers = 0..u64::try_from(count).unwrap_or(u64::MAX);
    let task = |number| TaskSpec {
        queue: DEFAULT_QUEUE,
        priority: DEFAULT_PRIORITY,
        task_type,
        payload: payload(number, payload_bytes),
        max_attempts: ATTEMPTS,
    };
    numbers.map(task).collect()
}

/// Enqueues a backlog by one caller, this many tasks in a transaction.
///
/// # Errors
/// The subject's.
pub fn fill(subject: &dyn Subject, tasks: &Vec<TaskSpec>, batch: usize) -> Result<Offered> {
    subject.enqueue(&Load { tasks, pace: Pace::UNPACED, callers: 1, batch, stop: None })
}
