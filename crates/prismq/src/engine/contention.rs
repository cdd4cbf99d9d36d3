//! The live counters behind [`Contention`].

use std::sync::atomic::{AtomicU64, Ordering};

use crate::model::Contention;

/// Counters that any thread may raise.
#[derive(Debug, Default)]
pub(crate) struct ContentionCounters {
    pub(crate) write_transactions: AtomicU64,
    pub(crate) synced_transactions: AtomicU64,
    pub(crate) busy_errors: AtomicU64,
    pub(crate) empty_claims: AtomicU64,
    pub(crate) claim_conflicts: AtomicU64,
    pub(crate) busy_waits: AtomicU64,
}

impl ContentionCounters {
    pub(crate) fn snapshot(&self) -> Contention {
        let read = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        Contention {
            write_transactions: read(&self.write_transactions),
            synced_transactions: read(&self.synced_transactions),
            busy_waits: read(&self.busy_waits),
            busy_errors: read(&self.busy_errors),
            empty_claims: read(&self.empty_claims),
            claim_conflicts: read(&self.claim_conflicts),
        }
    }
}
