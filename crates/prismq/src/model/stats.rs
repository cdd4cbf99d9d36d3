//! Figures the queue keeps about itself.

use std::sync::atomic::{AtomicU64, Ordering};
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
    /// Those among them that waited for the disk, each with one sync of the WAL. Checkpoints sync besides.
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

/// The live counters behind [`Contention`].
#[derive(Debug, Default)]
pub(crate) struct ContentionCounters {
    pub(crate) write_transactions: AtomicU64,
    pub(crate) synced_transactions: AtomicU64,
    pub(crate) busy_errors: AtomicU64,
    pub(crate) empty_claims: AtomicU64,
    pub(crate) claim_conflicts: AtomicU64,
    busy_waits: AtomicU64,
    busy_waited_micros: AtomicU64,
}

impl ContentionCounters {
    pub(crate) fn add_busy_wait(&self, waited: Duration) {
        self.busy_waits.fetch_add(1, Ordering::Relaxed);
        let micros = u64::try_from(waited.as_micros()).unwrap_or(u64::MAX);
        self.busy_waited_micros.fetch_add(micros, Ordering::Relaxed);
    }

    pub(crate) fn snapshot(&self) -> Contention {
        let read = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        Contention {
            write_transactions: read(&self.write_transactions),
            synced_transactions: read(&self.synced_transactions),
            busy_waits: read(&self.busy_waits),
            busy_waited: Duration::from_micros(read(&self.busy_waited_micros)),
            busy_errors: read(&self.busy_errors),
            empty_claims: read(&self.empty_claims),
            claim_conflicts: read(&self.claim_conflicts),
        }
    }
}
