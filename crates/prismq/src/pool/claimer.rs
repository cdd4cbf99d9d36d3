//! The pool's side of claims in the transactions of others.
//!
//! A transaction that enqueues what an idle worker waits for, or something more urgent than what the pool
//! holds, claims it for the pool too, unless the pool claims at once itself (see `pool/scheduler/claim/reservation.rs`). The
//! thread that commits then wakes a worker itself: no second transaction, and no leader in between.

use std::time::Instant;

use super::shared::Shared;
use crate::commit::Claimer;
use crate::model::{Claim, Lease, TaskId};

impl Claimer for Shared {
    fn claims(&self) -> &[Claim] {
        &self.claims
    }

    fn reserve(&self, queue: usize, priority: i32) -> usize {
        self.scheduler().reserve(queue, priority)
    }

    fn deliver(&self, reserved: usize, leases: Vec<Lease>) {
        // A pause that comes later finds what is delivered here, as one thread at a time commits what must be durable.
        let pauses = self.scheduler().pauses();
        self.deliver_reserved(reserved, leases, pauses);
    }

    fn work_arrived(&self) {
        self.work.raise();
        if self.scheduler().is_idle() {
            self.leader_signal.raise();
        }
    }

    fn cancel_requested(&self, requests: &[(TaskId, i64)]) {
        let mut scheduler = self.scheduler();
        scheduler.cancel(requests, Instant::now());
        drop(scheduler);
        self.leader_signal.raise();
    }

    fn paused(&self, queue: &str) {
        let mut scheduler = self.scheduler();
        let Some(queue) = scheduler.place_of_queue(queue) else { return };
        scheduler.paused(queue, Instant::now());
        drop(scheduler);
        self.leader_signal.raise();
    }
}

impl Shared {
    /// Hands what was claimed of this many reserved tasks to the scheduler, and wakes who must act on it.
    /// `pauses` is how often queues had been paused before the claim.
    pub(super) fn deliver_reserved(&self, reserved: usize, leases: Vec<Lease>, pauses: u64) {
        let leases = self.with_type_indices(leases);
        let now = Instant::now();
        let mut scheduler = self.scheduler();
        scheduler.deliver(reserved, leases, pauses, now);
        let woken = scheduler.workers_to_wake();
        let must_wake_leader = scheduler.must_wake_leader(now);
        drop(scheduler);
        self.wake_workers(woken);
        if must_wake_leader {
            self.leader_signal.raise();
        }
    }
}
