//! The clock is the caller's code, and runs in the middle of a transaction: its panic must neither leave the
//! file locked, nor a caller without an answer, nor a pool that cannot be stopped.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::thread;
use std::time::Duration;

use prismq::{Clock, Error, Queue, Signal, Timestamp, WorkerPool};
use tempfile::TempDir;

use crate::support::{claim, task};

/// Tells the time so often, and panics from then on.
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
        let told = self.left.fetch_update(Ordering::SeqCst, Ordering::SeqCst, tick);
        told.expect("the clock breaks, as the test wants it to");
        Timestamp::from_micros(1_000_000_000)
    }

    fn sleep_until(&self, _: Timestamp) -> Option<Duration> {
        None
    }

    fn on_jump(&self, _: &Arc<Signal>) {}
}

fn open(folder: &TempDir, clock: Arc<Breaking>) -> Queue {
    let builder = Queue::builder(folder.path().join("queue.db")).clock(clock);
    builder.busy_wait(Duration::ZERO).open().unwrap()
}

/// Whatever moment of a transaction it breaks at.
#[test]
fn in_a_transaction() {
    for calls in 0..6 {
        let folder = tempfile::tempdir().unwrap();
        let queue = open(&folder, Breaking::after(calls));
        let mut there = 0;
        let broken = loop {
            match queue.enqueue(&task("one")) {
                Ok(_) => there += 1,
                Err(error) => break error,
            }
        };
        assert!(matches!(broken, Error::Poisoned { .. }), "{broken:?}");
        let again = queue.claim(&claim()).unwrap_err();
        assert!(matches!(again, Error::Poisoned { .. }), "{again:?}");
        // While the broken handle is open: it holds no lock that another would wait for.
        let other = open(&folder, Breaking::after(u32::MAX));
        other.enqueue(&task("two")).unwrap();
        assert_eq!(other.stats("default").unwrap().ready, there + 1);
    }
}

#[test]
fn with_others_in_the_group() {
    let folder = tempfile::tempdir().unwrap();
    let queue = open(&folder, Breaking::after(50));
    thread::scope(|scope| {
        for _ in 0..8 {
            scope.spawn(|| while queue.enqueue(&task("one")).is_ok() {});
        }
    });
    let answer = queue.enqueue(&task("two")).unwrap_err();
    assert!(matches!(answer, Error::Poisoned { .. }), "{answer:?}");
}

/// On any thread of a pool, at any moment.
#[test]
fn under_a_pool() {
    for calls in (20..60).step_by(3) {
        let folder = tempfile::tempdir().unwrap();
        let queue = open(&folder, Breaking::after(calls));
        for _ in 0..5 {
            queue.enqueue(&task("one")).unwrap();
        }
        let pool = WorkerPool::builder(&queue).workers(2).handler("job", |_| Ok(())).start();
        let Ok(pool) = pool else { continue };
        while queue.enqueue(&task("more")).is_ok() {}
        // However long it may wait, it has nobody to wait for.
        let report = pool.shutdown(Duration::MAX);
        let said = report.error.is_none_or(|error| matches!(error, Error::Poisoned { .. }));
        assert!(said, "the only thing that went wrong");
    }
}
