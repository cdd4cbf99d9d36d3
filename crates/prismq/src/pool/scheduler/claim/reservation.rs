//! Claims for the pool that others' transactions make.
//!
//! A transaction that enqueues what an idle worker waits for claims it for the pool too, so that a task costs
//! one commit and one switch of threads until its handler begins, not two of each. It does so also for a busy
//! pool if the task is more urgent than those the pool holds or is about to claim: it then waits for one
//! running handler at most. What such a transaction may claim is reserved until it is delivered, so that
//! neither the leader nor another transaction claims for the same worker.
//!
//! Where claims are made in parallel, an idle pool claims itself once the transaction is committed: a server would answer
//! one that also claims two round trips later, and the caller who enqueues would wait for that. Not so while the thread of
//! its claims extends leases or waits after a failure.

use std::time::Instant;

use super::super::Scheduler;
use super::super::queues::Queues;
use super::request::ClaimRequest;
use crate::model::Lease;
use crate::model::limits::CLAIM_BATCH_MAX;

/// What others may claim for the pool.
#[derive(Debug)]
pub(crate) struct Reservations {
    /// So many tasks now.
    reserved: usize,
    /// Whether a claim of the leader is at the database.
    claim_in_flight: bool,
    /// Of each queue, the priority of the last task that the last claim returned.
    last_priorities: Vec<Option<i32>>,
}

impl Reservations {
    pub(crate) fn new(queues: usize) -> Self {
        Self { reserved: 0, claim_in_flight: false, last_priorities: vec![None; queues] }
    }

    pub(crate) const fn reserved(&self) -> usize {
        self.reserved
    }

    pub(crate) const fn release(&mut self, tasks: usize) {
        self.reserved = self.reserved.saturating_sub(tasks);
    }

    pub(crate) const fn set_claim_in_flight(&mut self, in_flight: bool) {
        self.claim_in_flight = in_flight;
    }

    pub(crate) const fn is_claim_in_flight(&self) -> bool {
        self.claim_in_flight
    }

    /// Whether anything is on its way to the pool: by a claim of the leader, or by others' transactions.
    pub(crate) const fn is_any_on_its_way(&self) -> bool {
        self.claim_in_flight || self.reserved > 0
    }

    /// These tasks were claimed, those of each queue in its order.
    pub(crate) fn claimed(&mut self, leases: &[(Lease, usize)], queues: &Queues) {
        self.last_priorities.fill(None);
        for (lease, _) in leases {
            if let Some(last) = self.last_priorities.get_mut(queues.of(lease)) {
                *last = Some(lease.priority);
            }
        }
    }
}

impl Scheduler {
    /// How many tasks of one of the queues a transaction may claim for the pool, the most urgent of which has this
    /// priority. If any, [`Self::deliver`] must follow.
    pub(in crate::pool) fn reserve(&mut self, queue: usize, priority: i32) -> usize {
        if !self.may_reserve() {
            return 0;
        }
        // An idle pool takes what its free workers can begin, unless it claims that itself.
        let claims_for_idle = self.is_idle() && !self.parallel_claims.are_at_once();
        let room = self.queues.room(queue).saturating_sub(self.ready.len_of(queue));
        let begun = if claims_for_idle { self.missing().min(room) } else { 0 };
        let tasks = begun.max(usize::from(self.is_most_urgent(queue, priority)));
        self.reservations.reserved += tasks;
        tasks
    }

    /// What may be claimed for the free workers of an idle pool, as another process may have enqueued it. If anything,
    /// [`Self::deliver`] must follow.
    pub(in crate::pool) fn reserve_idle(&mut self, now: Instant) -> Option<ClaimRequest> {
        if !self.may_reserve() || !self.is_idle() {
            return None;
        }
        let tasks = self.missing().min(CLAIM_BATCH_MAX);
        let quotas = self.quotas(tasks, 0, tasks, now);
        if quotas.is_empty() {
            return None;
        }
        self.reservations.reserved += tasks;
        Some(ClaimRequest { tasks, begun: 0, suspects: 0, limited: tasks, quotas })
    }

    fn may_reserve(&self) -> bool {
        let keeps_up = !self.listener.is_full() && !self.has_too_many_results();
        self.lifecycle.takes_tasks() && keeps_up
    }

    /// Whether a task of this priority comes before one that is ready, or that the leader is about to claim.
    fn is_most_urgent(&self, queue: usize, priority: i32) -> bool {
        let last = |queue: usize| self.reservations.last_priorities.get(queue).copied().flatten();
        let in_flight = |queue: usize| last(queue).filter(|_| self.reservations.claim_in_flight);
        let place = (queue, priority);
        if self.queues.are_by_share() {
            if self.ready.len_of(queue) == 0 && !self.ready.is_empty() {
                // It is the turn of its queue before long, which has nothing to begin then.
                return self.queues.room(queue) > 0;
            }
            let ready = self.ready.of(queue).next().map(|task| task.lease.priority);
            return ready.or(in_flight(queue)).is_some_and(|other| priority < other);
        }
        match self.ready.iter().next() {
            Some(first) => place < (first.queue, first.lease.priority),
            None => (queue..self.queues.len())
                .any(|other| in_flight(other).is_some_and(|priority| place < (other, priority))),
        }
    }
}
