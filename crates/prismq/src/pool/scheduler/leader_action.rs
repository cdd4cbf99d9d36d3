//! What the leader does next, and when it must be woken.
//!
//! It settles, claims and extends in as few transactions as it can: what is due goes together, except claims and
//! extensions where another thread makes them in parallel. While nothing is due it sleeps until something will be. A
//! worker whose result or need of tasks is due sooner wakes it, but not while it is at the database, as it checks
//! everything once it is back.

use std::time::Instant;

use super::Scheduler;
use super::claim::request::ClaimRequest;
use super::held::settling::Settlement;
use crate::model::{LeaseKey, Note};
use crate::time::Timestamp;

/// What the leader does next.
#[derive(Debug)]
pub(in crate::pool) enum LeaderAction {
    /// Submits these operations.
    Submit(Batch),
    /// Checks whether another process wrote, and whether the file is still in its place.
    Poll,
    /// Sleeps until one of these times, or until it is woken: `until` is the process's time, `due` that of the
    /// queue's clock. `idle` if it waits for nothing but new work.
    Sleep { until: Option<Instant>, due: Option<Timestamp>, idle: bool },
    /// Ends its thread.
    Exit,
}

/// Operations that share a transaction, in this order.
#[derive(Debug, Default)]
pub(in crate::pool) struct Batch {
    pub(in crate::pool) notes: Vec<(LeaseKey, Note)>,
    pub(in crate::pool) settle: Vec<Settlement>,
    /// The suspect that is about to run.
    pub(in crate::pool) begin: Option<LeaseKey>,
    pub(in crate::pool) extend: Vec<LeaseKey>,
    pub(in crate::pool) claim: Option<ClaimRequest>,
}

/// Where the leader is.
#[derive(Debug, Default)]
pub(super) struct Leader {
    /// At the database, not asleep.
    at_database: bool,
    /// When it wakes by itself.
    wakes_at: Option<Instant>,
}

impl Leader {
    pub(super) const fn is_at_database(&self) -> bool {
        self.at_database
    }
}

impl Scheduler {
    /// What the leader does next. `clock` is the queue's time, `work_signal` the count of the signal of new
    /// work.
    pub(in crate::pool) fn next_leader_action(
        &mut self,
        now: Instant,
        clock: Timestamp,
        work_signal: u64,
    ) -> LeaderAction {
        self.leader.at_database = false;
        if self.leader_can_exit(clock) {
            return LeaderAction::Exit;
        }
        if !self.parallel_claims.are_enabled() {
            self.idle.expire(clock, work_signal, &self.suspects);
        }
        self.check_timeouts(now);
        self.release_excess(now);
        self.suspects.expire(now);
        if self.backoff.until(now).is_none()
            && let Some(batch) = self.next_batch(now, clock)
        {
            self.leader.at_database = true;
            self.idle.polled(now);
            if batch.claim.is_some() {
                self.claim_sent(now);
            }
            return LeaderAction::Submit(batch);
        }
        if self.idle.poll_at() <= now {
            self.leader.at_database = true;
            self.idle.polled(now);
            return LeaderAction::Poll;
        }
        self.sleep(now)
    }

    /// A claim goes to the database.
    pub(super) fn claim_sent(&mut self, now: Instant) {
        self.idle.polled(now);
        self.idle.claim_sent();
        self.pauses.claim_sent(self.faults());
        self.reservations.set_claim_in_flight(true);
    }

    /// What is due, as one transaction's operations.
    fn next_batch(&mut self, now: Instant, clock: Timestamp) -> Option<Batch> {
        let settles = self.settle_at().is_some_and(|at| at <= now);
        let begin = self.ready.unbegun_suspect();
        let notes = self.notes.due().is_some_and(|at| at <= now);
        let writes = settles || notes || begin.is_some();
        // After a fault, what is held is released before anything is claimed.
        let may_claim = !self.parallel_claims.are_enabled()
            && (!self.lifecycle.has_fault() || self.settling.is_empty());
        let claim = if may_claim { self.claim_request(now, writes) } else { None };
        if self.claims_first(claim.is_some(), clock) {
            return Some(Batch { claim, ..Batch::default() });
        }
        let extend = match self.parallel_claims.are_enabled() {
            true => Vec::new(),
            false => self.leases_to_extend(clock),
        };
        if claim.is_none() && !writes && extend.is_empty() {
            return None;
        }
        let settle = self.settling.take();
        let notes = self.notes.take(&settle, now);
        Some(Batch { notes, settle, begin, extend, claim })
    }

    fn sleep(&mut self, now: Instant) -> LeaderAction {
        let backoff = self.backoff.until(now);
        let (claims, due) = match self.parallel_claims.are_enabled() {
            true => (None, None),
            false => self.claims_at(now),
        };
        let poll = Some(self.idle.poll_at());
        let times = [self.due_without_claim(now), backoff, claims, self.cancel_look_at(), poll];
        let until = times.into_iter().flatten().min();
        self.leader.wakes_at = until;
        let heartbeat =
            if self.parallel_claims.are_enabled() { None } else { self.heartbeat_at(now) };
        let due = due.into_iter().chain(heartbeat).min();
        LeaderAction::Sleep { until, due, idle: self.is_idle() }
    }

    /// When leases are to be extended. A heartbeat that is due waits until the database is tried again.
    pub(super) fn heartbeat_at(&self, now: Instant) -> Option<Timestamp> {
        let extends = self.claims_backoff().until(now).is_none() && self.leases().next().is_some();
        extends.then_some(self.heartbeat.next())
    }

    /// When to look again whether something may be claimed, if nothing is done before.
    pub(super) fn claims_at(&self, now: Instant) -> (Option<Instant>, Option<Timestamp>) {
        let prefetch =
            if self.may_claim() && self.ready.is_empty() { self.prefetch_at(now) } else { None };
        let times = [self.claims_backoff().until(now), prefetch, self.suspects.expires_at()];
        (times.into_iter().flatten().min(), self.idle.next_due())
    }

    /// Whether the leader must be woken, as it must act sooner than it wakes by itself, or the thread that claims for it.
    pub(in crate::pool) fn must_wake_leader(&mut self, now: Instant) -> bool {
        if self.must_wake_claims(now) {
            return true;
        }
        if self.leader.at_database {
            return false;
        }
        let due = if self.has_drained() { Some(now) } else { self.due(now) };
        let Some(due) = due else { return false };
        let sooner = self.leader.wakes_at.is_none_or(|at| due < at);
        if sooner {
            self.leader.wakes_at = Some(due);
        }
        sooner
    }

    /// When the leader must act on what workers do, at a cost that does not grow with their number.
    fn due(&self, now: Instant) -> Option<Instant> {
        let claim = match self.parallel_claims.are_enabled() {
            true => None,
            false => self.claim_at(now),
        };
        claim.into_iter().chain(self.due_without_claim(now)).min()
    }

    /// When to claim, if something is to be claimed for what workers do.
    pub(super) fn claim_at(&self, now: Instant) -> Option<Instant> {
        let claim = self.may_claim() && self.is_low_on_tasks();
        claim.then(|| self.claims_backoff().until(now).unwrap_or(now))
    }

    fn due_without_claim(&self, now: Instant) -> Option<Instant> {
        let begin = self.ready.unbegun_suspect().map(|_| now);
        let write = begin.into_iter().chain(self.settle_at()).chain(self.notes.due()).min();
        let write = write.map(|at| self.backoff.until(now).map_or(at, |until| until.max(at)));
        let times = [write, self.overdue_at(), self.prefetch.check_at(), self.timeouts.next()];
        times.into_iter().flatten().min()
    }
}
