//! Counters and statistics of a queue.

use crate::model::{Order, Retention, RetryPolicy};

/// The counters of one queue, kept by its transactions: reading them counts no rows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub struct QueueStats {
    /// Tasks that can be claimed now.
    pub ready: u64,
    /// Tasks that are not due yet.
    pub scheduled: u64,
    /// Tasks held by a lease, including expired leases that no claim has reclaimed yet.
    pub leased: u64,
    /// Dead letters.
    pub dead: u64,
    /// Completed tasks kept as history.
    pub kept: u64,
    /// Cancelled tasks kept as history.
    pub cancelled_kept: u64,
    /// Whether the queue is paused.
    pub paused: bool,
    /// Tasks ever enqueued.
    pub enqueued: u64,
    /// Tasks ever completed.
    pub completed: u64,
    /// Failed attempts ever recorded.
    pub failed: u64,
    /// Expired leases ever reclaimed.
    pub reclaimed: u64,
    /// Tasks ever cancelled.
    pub cancelled: u64,
    /// Tasks ever deleted that had been neither completed nor cancelled, by a call or by retention. Every task that was
    /// enqueued is completed, cancelled, deleted, ready, scheduled, leased or dead.
    pub deleted: u64,
    /// Tasks that ever became dead as they had not started within their time to live.
    pub expired: u64,
    /// Most live tasks (ready, scheduled and leased), if that is limited.
    pub depth_limit: Option<u32>,
}

/// A queue: how it is set, and its counters.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct QueueInfo {
    /// Its name.
    pub name: String,
    /// Its order.
    pub order: Order,
    /// Which ended tasks it keeps.
    pub retention: Retention,
    /// How many of its tasks run at once, if that is limited.
    pub concurrency: Option<u32>,
    /// Its counters.
    pub stats: QueueStats,
}

/// A type of tasks in a queue, with what they require of a worker.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
#[non_exhaustive]
pub struct TypeInfo {
    /// The queue.
    pub queue: String,
    /// The type.
    pub task_type: String,
    /// What a worker must have to run them.
    pub requirements: Vec<String>,
}

/// The retry policy of a task type in the file, as [`Queue::retry_policies`](crate::Queue::retry_policies) lists it.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct RetryInfo {
    /// The type.
    pub task_type: String,
    /// When its failed tasks run again.
    pub policy: RetryPolicy,
    /// Whether an operator set it by [`Queue::set_retry`](crate::Queue::set_retry); otherwise it is what the type
    /// declares, stored by the pool that serves it.
    pub by_operator: bool,
}

/// What this handle met while writing, since it was opened.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub struct Contention {
    /// Committed write transactions.
    pub write_transactions: u64,
    /// Those of them that waited for the disk, one sync each. Background work of the engine adds syncs.
    pub synced_transactions: u64,
    /// Waits for a write lock that another process or connection held.
    pub busy_waits: u64,
    /// Transactions answered `Busy` after the whole wait.
    pub busy_errors: u64,
    /// Claims that found no ready task.
    pub empty_claims: u64,
    /// Claims that saw a ready task and lost it to another process before they could lease it.
    pub claim_conflicts: u64,
}
