//! What a pool reports: events, one an attempt, and statistics.

use std::sync::Arc;
use std::time::Duration;

use crate::model::TaskId;

/// One attempt that ended, reported after the commit that settled it.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Event {
    /// The task.
    pub id: TaskId,
    /// The task's queue.
    pub queue: Arc<str>,
    /// The task's type.
    pub task_type: Arc<str>,
    /// The worker that ran it, from 0; `None` if none had begun.
    pub worker: Option<usize>,
    /// Which attempt it was, from 1.
    pub attempt: u32,
    /// How it ended.
    pub outcome: Outcome,
    /// How long its handler ran; `None` if none did.
    pub duration: Option<Duration>,
    /// Why the attempt failed, if it did.
    pub error: Option<String>,
}

/// How an attempt ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Outcome {
    /// The handler returned `Ok`; the task is deleted, or kept in its queue's history.
    Completed,
    /// The attempt failed; the task runs again.
    Retried,
    /// The attempt failed; the task is a dead letter.
    Dead,
    /// The task was cancelled: its handler returned an error after that was requested, or none had begun.
    Cancelled,
    /// Released without counting an attempt: at shutdown, on a pause or a fault of the queue, or as the pool
    /// held more tasks than it could soon run.
    Released,
    /// The lease was lost; the result was refused.
    LeaseLost,
    /// The handler put the task off ([`TaskError::snooze`](crate::TaskError::snooze)); the attempt does not count.
    Snoozed,
}

/// What a pool has done since it started, and holds now.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
#[non_exhaustive]
pub struct PoolStats {
    /// Tasks completed.
    pub completed: u64,
    /// Attempts that failed and run again.
    pub retried: u64,
    /// Tasks that became dead letters.
    pub dead: u64,
    /// Tasks that were cancelled.
    pub cancelled: u64,
    /// Tasks released without counting an attempt.
    pub released: u64,
    /// Attempts whose lease was lost.
    pub lease_lost: u64,
    /// Tasks that their handlers put off.
    pub snoozed: u64,
    /// Attempts that failed after their time limit had passed; they count as retried or dead too.
    pub timed_out: u64,
    /// Handlers that returned, by worker.
    pub per_worker: Vec<u64>,
    /// Tasks claimed and waiting for a worker.
    pub ready: usize,
    /// Handlers running.
    pub running: usize,
    /// Results that are not committed yet.
    pub unsettled: usize,
    /// The same for each queue that the pool serves, in their order.
    pub per_queue: Vec<PoolQueueStats>,
}

/// What a pool has done of the tasks of one queue, and holds now.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct PoolQueueStats {
    /// The queue.
    pub queue: Arc<str>,
    /// Tasks completed.
    pub completed: u64,
    /// Attempts that failed and run again.
    pub retried: u64,
    /// Tasks that became dead letters.
    pub dead: u64,
    /// Tasks released without counting an attempt.
    pub released: u64,
    /// Tasks claimed and waiting for a worker.
    pub ready: usize,
    /// Handlers running.
    pub running: usize,
}

impl PoolQueueStats {
    pub(super) fn of(queue: &Arc<str>) -> Self {
        let queue = queue.clone();
        Self { queue, completed: 0, retried: 0, dead: 0, released: 0, ready: 0, running: 0 }
    }

    pub(super) const fn count(&mut self, outcome: Outcome) {
        match outcome {
            Outcome::Completed => self.completed += 1,
            Outcome::Retried => self.retried += 1,
            Outcome::Dead => self.dead += 1,
            Outcome::Released => self.released += 1,
            Outcome::Cancelled | Outcome::LeaseLost | Outcome::Snoozed => {}
        }
    }
}

impl PoolStats {
    pub(super) const fn count(&mut self, outcome: Outcome) {
        match outcome {
            Outcome::Completed => self.completed += 1,
            Outcome::Retried => self.retried += 1,
            Outcome::Dead => self.dead += 1,
            Outcome::Cancelled => self.cancelled += 1,
            Outcome::Released => self.released += 1,
            Outcome::LeaseLost => self.lease_lost += 1,
            Outcome::Snoozed => self.snoozed += 1,
        }
    }
}
