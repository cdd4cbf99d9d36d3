//! The pool's side of claims that ride on others' transactions: a transaction that enqueues what idle
//! workers wait for claims it for them too, so that waking them costs no transaction of its own, and the
//! thread that commits wakes the worker.

use std::time::Instant;

use super::Shared;
use crate::commit::Claimer;
use crate::lease::{Claim, Lease};

impl Claimer for Shared {
    fn claim(&self) -> &Claim {
        &self.claim
    }

    fn promise(&self, priority: i32) -> usize {
        self.scheduler().promise(Some(priority))
    }

    fn keep_promise(&self, room: usize, leases: Vec<Lease>) {
        let leases = self.with_types(leases);
        let now = Instant::now();
        let mut scheduler = self.scheduler();
        scheduler.keep_promise(room, leases, now);
        let woken = scheduler.wake();
        let calls_leader = scheduler.calls_leader(now);
        drop(scheduler);
        self.wake(woken);
        if calls_leader {
            self.signal.raise();
        }
    }

    fn work_arrived(&self) {
        if self.scheduler().waits_for_work() {
            self.signal.raise();
        }
    }

    fn paused(&self, queue: &str) {
        if *self.claim.queue == *queue {
            let mut scheduler = self.scheduler();
            scheduler.paused(Instant::now());
            drop(scheduler);
            self.signal.raise();
        }
    }
}
