//! Whether a claim is committed before the results that wait.
//!
//! A transaction of nothing but claims is not synced, so that a worker need not wait for the disk to get its
//! next task: with a commit of 5 ms and handlers of 1 ms, waiting for it would cost five sixths of the
//! worker's time. The claim goes first if a worker has no task or commits are slow. It never does so twice in
//! a row, or results would wait for as long as there is work. Nor does it after a failure or where a result's
//! lease has expired: a claim takes expired leases back, and the finished task would run again.

use super::super::Scheduler;
use crate::time::Timestamp;

/// Whether the last claim went first.
#[derive(Debug, Default)]
pub(crate) struct ClaimFirst {
    last: bool,
}

impl Scheduler {
    /// Whether this claim, if there is one, goes first.
    pub(crate) fn claims_first(&mut self, claims: bool, clock: Timestamp) -> bool {
        let is_useful = (self.has_starving_worker() || self.settling.is_slow())
            && !self.settling.is_empty()
            && !self.backoff.has_failed()
            && !self.has_expired_result(clock);
        self.claim_first.last = claims && is_useful && !self.claim_first.last;
        self.claim_first.last
    }

    /// Whether a claim would take back the lease of a result that waits or is being committed.
    pub(super) fn has_expired_result(&self, clock: Timestamp) -> bool {
        let ends = self.settling.leases().map(|lease| lease.expires_at.monotonic);
        ends.chain(self.settling.first_end_in_flight()).any(|end| end <= clock)
    }
}
