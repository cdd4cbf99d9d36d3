//! What a subject counts: its own events, and its tasks by state.

use serde::{Deserialize, Serialize};

/// What a subject counted since it was opened.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Counters {
    /// Operations answered busy after the whole wait.
    pub busy_errors: u64,
    /// Times a connection waited for the write lock.
    pub busy_waits: u64,
    /// Claims that saw a task and lost it.
    pub claim_conflicts: u64,
    /// Claims that found nothing.
    pub empty_polls: u64,
    /// Transactions that took the write lock.
    pub write_transactions: u64,
    /// Those among them that waited for the disk.
    pub synced_transactions: u64,
}

impl Counters {
    /// What was counted since an earlier reading.
    #[must_use]
    pub const fn since(self, earlier: Self) -> Self {
        Self {
            busy_errors: self.busy_errors.saturating_sub(earlier.busy_errors),
            busy_waits: self.busy_waits.saturating_sub(earlier.busy_waits),
            claim_conflicts: self.claim_conflicts.saturating_sub(earlier.claim_conflicts),
            empty_polls: self.empty_polls.saturating_sub(earlier.empty_polls),
            write_transactions: self.write_transactions.saturating_sub(earlier.write_transactions),
            synced_transactions: self
                .synced_transactions
                .saturating_sub(earlier.synced_transactions),
        }
    }
}

/// How many tasks are in which state.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Census {
    /// May be claimed.
    pub ready: u64,
    /// Wait for their time.
    pub scheduled: u64,
    /// Held by a lease.
    pub leased: u64,
    /// Dead letters.
    pub dead: u64,
}

impl Census {
    /// That of this queue and another together.
    #[must_use]
    pub const fn and(self, other: Self) -> Self {
        Self {
            ready: self.ready + other.ready,
            scheduled: self.scheduled + other.scheduled,
            leased: self.leased + other.leased,
            dead: self.dead + other.dead,
        }
    }
}
