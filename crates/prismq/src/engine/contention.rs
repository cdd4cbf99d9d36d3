//! Counters of what an engine met while it wrote.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use crate::model::Contention;

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
