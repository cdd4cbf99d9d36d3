//! The clock is the caller's code and runs within a transaction: its panic must neither leave the file locked,
//! nor a caller without an answer, nor a pool that cannot be stopped.
//!
//! Failure mode: code: panics in a transaction | `Poisoned`, every caller is answered, and no lock is left

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::sync::mpsc::channel;
use std::thread;
use std::time::Duration;

use prismq::{Clock, Error, Queue, Signal, Timestamp, WorkerPool};
use tempfile::TempDir;

use crate::support::{DEADLINE, Watchdog, claim, receive, task, wait_until};

/// A clock that panics after this number of calls.
#[derive(Debug)]
struct Breaking {
    left: AtomicU32,
}

impl Breaking {
    fn after(calls: u32) -> Arc<Self> {
        Arc::new(Self { left: AtomicU32::new(calls) })
    }
}

impl Clock for Breaking {
    fn now(&self) -> Timestamp {
        let tick = |left: u32| left.checked_sub(1);
        let called = self.left.fetch_update(Ordering::SeqCst, Ordering::SeqCst, tick);
        called.expect("the clock panics, as this test wants");
        Timestamp::from_micros(1_000_000_000)
    }

    fn sleep_until(&self, _: Timestamp) -> Option<Duration> {
        None
    }

    fn on_jump(&self, _: &Arc<Signal>) {}
}

fn open(folder: &TempDir, clock: Arc<dyn Clock>) -> Queue {
    let builder = Queue::builder(folder.path().join("queue.db")).clock(clock);
    builder.busy_wait(Duration::ZERO).open().unwrap()
}

/// At each call of the clock within a transaction.
#[test]
fn a_panic_in_a_transaction_poisons_the_queue_and_unlocks_the_file() {
    let _watchdog = Watchdog::start();
    for calls in 0..6 {
        let folder = tempfile::tempdir().unwrap();
        let queue = open(&folder, Breaking::after(calls));
        let mut enqueued = 0;
        let error = loop {
            match queue.enqueue(task("one")) {
                Ok(_) => enqueued += 1,
                Err(error) => break error,
            }
        };
        assert!(matches!(error, Error::Poisoned { .. }), "{error:?}");
        let again = queue.claim(&claim()).unwrap_err();
        assert!(matches!(again, Error::Poisoned { .. }), "{again:?}");
        // The poisoned handle is still open, and holds no lock.
        let other = open(&folder, Breaking::after(u32::MAX));
        other.enqueue(task("two")).unwrap();
        assert_eq!(other.stats("default").unwrap().ready, enqueued + 1);
    }
}

#[test]
fn a_panic_answers_every_caller_of_a_group_commit() {
    let _watchdog = Watchdog::start();
    let folder = tempfile::tempdir().unwrap();
    let queue = open(&folder, Breaking::after(50));
    thread::scope(|scope| {
        for _ in 0..8 {
            scope.spawn(|| while queue.enqueue(task("one")).is_ok() {});
        }
    });
    let answer = queue.enqueue(task("two")).unwrap_err();
    assert!(matches!(answer, Error::Poisoned { .. }), "{answer:?}");
}

/// On any thread of the pool, at any moment.
#[test]
fn a_panic_under_a_pool_lets_it_shut_down() {
    let _watchdog = Watchdog::start();
    for calls in (20..60).step_by(3) {
        let folder = tempfile::tempdir().unwrap();
        let queue = open(&folder, Breaking::after(calls));
        for _ in 0..5 {
            queue.enqueue(task("one")).unwrap();
        }
        let pool =
            WorkerPool::builder(&queue).workers(2).handle_bytes("job", |_, _| Ok(())).start();
        let Ok(pool) = pool else { continue };
        while queue.enqueue(task("more")).is_ok() {}
        // No handler runs, so it does not wait.
        let report = pool.shutdown(Duration::MAX);
        let poisoned = report.error.is_none_or(|error| matches!(error, Error::Poisoned { .. }));
        assert!(poisoned, "no other error");
    }
}

/// A clock that panics outside of a transaction: on a pool's leader, once it is broken.
#[derive(Debug, Default)]
struct BreakingOnLeader {
    broken: AtomicBool,
}

impl Clock for BreakingOnLeader {
    fn now(&self) -> Timestamp {
        let is_leader = thread::current().name() == Some("prismq-leader");
        assert!(
            !is_leader || !self.broken.load(Ordering::SeqCst),
            "the clock panics, as this test wants"
        );
        Timestamp::from_micros(1_000_000_000)
    }

    fn sleep_until(&self, _: Timestamp) -> Option<Duration> {
        None
    }

    fn on_jump(&self, _: &Arc<Signal>) {}
}

#[test]
fn a_panic_of_a_pools_leader_is_reported_to_its_listener() {
    let folder = tempfile::tempdir().unwrap();
    let clock = Arc::new(BreakingOnLeader::default());
    let queue = open(&folder, clock.clone());
    let (send, faults) = channel();
    let pool = WorkerPool::builder(&queue)
        .workers(1)
        .handle_bytes("job", |_, _| Ok(()))
        .on_stop(move |error| send.send(error.to_string()).unwrap())
        .start()
        .unwrap();
    // The leader sleeps now, or is about to.
    wait_until!(queue.contention().empty_claims > 0);
    clock.broken.store(true, Ordering::SeqCst);
    let fault = receive(&faults, "the fault");
    assert!(fault.contains("panicked"), "{fault}");
    assert!(pool.wait(DEADLINE), "it has stopped for good");
}
