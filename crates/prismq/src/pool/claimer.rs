//! The pool's side of claims that ride on others' transactions: a transaction that enqueues what idle
//! workers wait for, or something more urgent than what is held, claims it for the pool too, so that waking them costs no transaction of its own, and the
//! thread that commits wakes the worker.

use std::time::Instant;

use super::Shared;
use crate::commit::Claimer;
use crate::model::{Claim, Lease};

impl Claimer for Shared {
    fn claim(&self) -> &Claim {
        &self.claim
    }

    fn reserve(&self, priority: i32) -> usize {
        self.scheduler().reserve(Some(priority))
    }

    fn deliver(&self, room: usize, leases: Vec<Lease>) {
        // A pause that comes later finds what is delivered here, as both happen under the store's lock.
        let pauses = self.scheduler().pauses();
        self.take_in(room, leases, pauses);
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

impl Shared {
    /// Takes in what was claimed of so many reserved tasks, when the queue had been paused so often.
    pub(super) fn take_in(&self, room: usize, leases: Vec<Lease>, pauses: u64) {
        let leases = self.with_types(leases);
        let now = Instant::now();
        let mut scheduler = self.scheduler();
        scheduler.deliver(room, leases, pauses, now);
        let woken = scheduler.wake();
        let calls_leader = scheduler.calls_leader(now);
        drop(scheduler);
        self.wake(woken);
        if calls_leader {
            self.signal.raise();
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, Instant};

    use super::*;
    use crate::{NewTask, Queue, WorkerPool};

    /// An idle pool without anything to do.
    fn idle() -> (tempfile::TempDir, Queue, WorkerPool) {
        let folder = tempfile::tempdir().unwrap();
        let queue = Queue::open(folder.path().join("queue.db")).unwrap();
        let pool = WorkerPool::builder(&queue).workers(2).handler("t", |_| Ok(())).start().unwrap();
        let started = Instant::now();
        while !pool.shared.scheduler().waits_for_work() {
            assert!(started.elapsed() < Duration::from_secs(60), "it finds nothing to do");
            std::thread::yield_now();
        }
        (folder, queue, pool)
    }

    #[test]
    fn an_idle_pools_leader_is_called_for_work_that_nobody_claimed_for_it() {
        let (_folder, queue, pool) = idle();
        let seen = pool.shared.signal.count();
        queue.enqueue(&NewTask::new("t", []).delay(Duration::from_secs(60))).unwrap();
        // By the thread that enqueued, or by the one that follows the file if that was faster.
        let started = Instant::now();
        while pool.shared.signal.count() == seen {
            assert!(started.elapsed() < Duration::from_secs(20), "the leader is not called");
            std::thread::yield_now();
        }
    }

    #[test]
    fn another_queues_pause_calls_nobody() {
        let (_folder, _queue, pool) = idle();
        let seen = pool.shared.signal.count();
        pool.shared.paused("another");
        assert_eq!(pool.shared.signal.count(), seen);
        pool.shared.paused("default");
        assert!(pool.shared.signal.count() > seen);
    }
}
