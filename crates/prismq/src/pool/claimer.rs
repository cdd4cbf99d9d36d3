//! The pool's side of claims in the transactions of others.
//!
//! A transaction that enqueues what an idle worker waits for, or something more urgent than what the pool
//! holds, claims it for the pool too. The thread that commits then wakes a worker itself: no second transaction,
//! and no leader in between.

use std::time::Instant;

use super::shared::Shared;
use crate::commit::Claimer;
use crate::model::{Claim, Lease};

impl Claimer for Shared {
    fn claim(&self) -> &Claim {
        &self.claim
    }

    fn reserve(&self, priority: i32) -> usize {
        self.scheduler().reserve(Some(priority))
    }

    fn deliver(&self, reserved: usize, leases: Vec<Lease>) {
        // A pause that comes later finds what is delivered here, as one thread at a time commits.
        let pauses = self.scheduler().pauses();
        self.deliver_reserved(reserved, leases, pauses);
    }

    fn work_arrived(&self) {
        if self.scheduler().is_idle() {
            self.leader_signal.raise();
        }
    }

    fn paused(&self, queue: &str) {
        if *self.claim.queue == *queue {
            let mut scheduler = self.scheduler();
            scheduler.paused(Instant::now());
            drop(scheduler);
            self.leader_signal.raise();
        }
    }
}

impl Shared {
    /// Hands what was claimed of so many reserved tasks to the scheduler, and wakes who must act on it.
    /// `pauses` is how often the queue had been paused before the claim.
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

#[cfg(test)]
mod tests {
    use std::time::{Duration, Instant};

    use super::*;
    use crate::model::NewTask;
    use crate::pool::WorkerPool;
    use crate::queue::Queue;

    /// An idle pool without anything to do.
    fn idle() -> (tempfile::TempDir, Queue, WorkerPool) {
        let folder = tempfile::tempdir().unwrap();
        let queue = Queue::open(folder.path().join("queue.db")).unwrap();
        let pool = WorkerPool::builder(&queue).workers(2).handler("t", |_| Ok(())).start().unwrap();
        let started = Instant::now();
        while !pool.shared.scheduler().is_idle() {
            assert!(started.elapsed() < Duration::from_secs(60), "the pool does not become idle");
            std::thread::yield_now();
        }
        (folder, queue, pool)
    }

    #[test]
    fn an_idle_pools_leader_is_woken_for_work_that_was_not_claimed_for_it() {
        let (_folder, queue, pool) = idle();
        let seen = pool.shared.leader_signal.count();
        queue.enqueue(&NewTask::new("t", []).delay(Duration::from_secs(60))).unwrap();
        // By the thread that enqueued, or by the one that follows the file if that was faster.
        let started = Instant::now();
        while pool.shared.leader_signal.count() == seen {
            assert!(started.elapsed() < Duration::from_secs(20), "the leader is not woken");
            std::thread::yield_now();
        }
    }

    #[test]
    fn a_pause_of_another_queue_wakes_no_leader() {
        let (_folder, _queue, pool) = idle();
        let seen = pool.shared.leader_signal.count();
        pool.shared.paused("another");
        assert_eq!(pool.shared.leader_signal.count(), seen);
        pool.shared.paused("default");
        assert!(pool.shared.leader_signal.count() > seen);
    }
}
