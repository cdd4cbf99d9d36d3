//! Figures the queue keeps about itself.

use std::time::Duration;

/// Counters of one queue, read without counting a row.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub struct QueueStats {
    /// Tasks that may be claimed now.
    pub ready: u64,
    /// Tasks that wait for their due time.
    pub scheduled: u64,
    /// Tasks held by a lease, expired ones that nobody reclaimed yet among them.
    pub leased: u64,
    /// Dead letters.
    pub dead: u64,
    /// Completed tasks that are kept.
    pub kept: u64,
    /// Whether the queue is paused.
    pub paused: bool,
    /// Tasks ever enqueued.
    pub enqueued: u64,
    /// Tasks ever completed.
    pub completed: u64,
    /// Attempts ever failed by their worker.
    pub failed: u64,
    /// Leases that ever ran out and were taken back.
    pub reclaimed: u64,
}

/// What this process met while it wrote to the file, since it opened it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub struct Contention {
    /// Committed write transactions.
    pub write_transactions: u64,
    /// Those among them that waited for the disk, each with one sync. The engine syncs besides as it tidies up.
    pub synced_transactions: u64,
    /// Times another process or connection held the write lock and the writer waited.
    pub busy_waits: u64,
    /// Time spent in those waits.
    pub busy_waited: Duration,
    /// Operations that were answered `Busy` after the whole wait.
    pub busy_errors: u64,
    /// Claims that found nothing to take.
    pub empty_claims: u64,
    /// Claims that saw work and lost all of it to another before they could take it.
    pub claim_conflicts: u64,
}
