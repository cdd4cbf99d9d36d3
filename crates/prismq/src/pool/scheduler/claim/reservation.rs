//! Claims for the pool that others' transactions make.
//!
//! A transaction that enqueues what an idle worker waits for claims it for the pool too, so that a task costs
//! one commit and one switch of threads until its handler begins, not two of each. It does so also for a busy
//! pool if the task is more urgent than those the pool holds or is about to claim: it then waits for one
//! running handler at most. What such a transaction may claim is reserved until it is delivered, so that
//! neither the leader nor another transaction claims for the same worker.

use super::super::Scheduler;
use crate::model::Lease;

/// What others may claim for the pool.
#[derive(Debug, Default)]
pub(crate) struct Reservations {
    /// So many tasks now.
    reserved: usize,
    /// Whether a claim of the leader is at the database.
    claim_in_flight: bool,
    /// The priority of the last task that was claimed.
    last_priority: Option<i32>,
}

impl Reservations {
    pub(crate) const fn reserved(&self) -> usize {
        self.reserved
    }

    pub(crate) const fn release(&mut self, tasks: usize) {
        self.reserved = self.reserved.saturating_sub(tasks);
    }

    pub(crate) const fn set_claim_in_flight(&mut self, in_flight: bool) {
        self.claim_in_flight = in_flight;
    }

    /// These tasks were claimed, in the queue's order.
    pub(crate) fn claimed(&mut self, leases: &[(Lease, usize)]) {
        self.last_priority = leases.last().map(|(lease, _)| lease.priority);
    }
}

impl Scheduler {
    /// How many tasks a transaction may claim for the pool, the most urgent of which has this priority (none
    /// known if another process enqueued them). If any, [`Self::deliver`] must follow.
    pub(in crate::pool) fn reserve(&mut self, priority: Option<i32>) -> usize {
        if !self.lifecycle.takes_tasks() || self.listener.is_full() {
            return 0;
        }
        let tasks = if self.is_idle() {
            self.slots.free().saturating_sub(self.ready.len() + self.reservations.reserved)
        } else {
            usize::from(priority.is_some_and(|priority| self.is_most_urgent(priority)))
        };
        self.reservations.reserved += tasks;
        tasks
    }

    /// Whether a task of this priority comes before one that is ready, or that the leader is about to claim.
    fn is_most_urgent(&self, priority: i32) -> bool {
        let ready = self.ready.leases().next().map(|lease| lease.priority);
        let in_flight = self.reservations.last_priority;
        let in_flight = in_flight.filter(|_| self.reservations.claim_in_flight);
        ready.or(in_flight).is_some_and(|other| priority < other)
    }
}
