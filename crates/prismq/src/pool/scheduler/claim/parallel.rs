//! Claims that are made while the leader settles.
//!
//! Where an engine applies claims in parallel with what must be durable, a thread of its own claims for the leader, and
//! extends the leases: neither waits for the disk, and no result for a claim. It makes one claim at a time, of
//! [`PARALLEL_CLAIM_MAX`] tasks at most, so that workers run what one returned while the next is made: a drain of no-op
//! tasks from a server that takes 6 µs for each to be claimed and 3 µs to be completed, reached 100,000 tasks a second
//! with it, 83,000 with claims of as many tasks as the pool may hold, and 70,000 with claims and completions one after the
//! other.

use std::time::Instant;

use super::super::Scheduler;
use super::request::ClaimRequest;
use crate::model::LeaseKey;
use crate::time::Timestamp;

/// Most tasks of such a claim: half of what a pool holds by default. In a larger claim a task costs the database as much.
pub(crate) const PARALLEL_CLAIM_MAX: usize = 1024;
/// With so many results that are not committed, nothing is claimed: a commit may take long, and after a crash all of them
/// run again.
const RESULTS_MAX: usize = 4096;

/// What the thread of these claims does next.
#[derive(Debug)]
pub(in crate::pool) enum ClaimAction {
    /// Extends these leases.
    Extend(Vec<LeaseKey>),
    /// Makes this claim.
    Claim(ClaimRequest),
    /// Sleeps until one of these times, or until it is woken: `until` is the process's time, `due` that of the queue's
    /// clock. `idle` if the pool waits for new work.
    Sleep { until: Option<Instant>, due: Option<Timestamp>, idle: bool },
    /// Ends its thread.
    Exit,
}

/// Whether claims are made in parallel, and their thread was woken for one.
#[derive(Debug)]
pub(crate) struct ParallelClaims {
    enabled: bool,
    woken: bool,
}

impl ParallelClaims {
    pub(crate) const fn new(enabled: bool) -> Self {
        Self { enabled, woken: false }
    }

    pub(crate) const fn are_enabled(&self) -> bool {
        self.enabled
    }
}

impl Scheduler {
    /// What the thread of the claims does next. `clock` is the queue's time, `work_signal` the count of the signal of new
    /// work.
    pub(in crate::pool) fn next_claim_action(
        &mut self,
        now: Instant,
        clock: Timestamp,
        work_signal: u64,
    ) -> ClaimAction {
        self.parallel_claims.woken = false;
        if self.is_stopped() {
            return ClaimAction::Exit;
        }
        self.idle.expire(clock, work_signal, &self.suspects);
        self.suspects.expire(now);
        let may_claim = self.may_claim_before_results(clock);
        if self.backoff.until(now).is_none() {
            // By themselves, so that a claim that waits for a lock delays none.
            let extend = self.leases_to_extend(clock);
            if !extend.is_empty() {
                return ClaimAction::Extend(extend);
            }
            if may_claim && let Some(request) = self.claim_request(now, false) {
                self.claim_sent(now);
                return ClaimAction::Claim(request);
            }
        }
        // If results are to be settled first, the leader wakes it then.
        let (until, due) = if may_claim { self.claims_at(now) } else { (None, None) };
        let due = due.into_iter().chain(self.heartbeat_at(now)).min();
        // A worker may have begun by then what is ready now.
        let begun = self.prefetch.check_at().filter(|at| *at > now);
        let until = until.into_iter().chain(self.backoff.until(now)).chain(begun).min();
        ClaimAction::Sleep { until, due, idle: self.is_idle() }
    }

    /// What is held is settled first after a fault, and where the lease of a result has expired, as the claim would take it
    /// back.
    fn may_claim_before_results(&self, clock: Timestamp) -> bool {
        let has_results = self.settling.uncommitted() > 0;
        !has_results || !self.lifecycle.has_fault() && !self.has_expired_result(clock)
    }

    /// Whether so many results wait for their commit that nothing is claimed.
    pub(super) fn has_too_many_results(&self) -> bool {
        self.parallel_claims.enabled && self.settling.uncommitted() >= RESULTS_MAX
    }

    /// Whether the thread of the claims must be woken for one, which it does not wait for by itself: once until it looks.
    pub(crate) fn must_wake_claims(&mut self, now: Instant) -> bool {
        let must = self.parallel_claims.enabled
            && !self.parallel_claims.woken
            && self.claim_at(now).is_some_and(|at| at <= now);
        self.parallel_claims.woken |= must;
        must
    }

    /// Whether such a claim is at the database.
    pub(crate) const fn awaits_parallel_claim(&self) -> bool {
        self.parallel_claims.enabled && self.reservations.is_claim_in_flight()
    }
}
