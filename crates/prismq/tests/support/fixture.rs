//! A queue in a temporary folder, with a clock that the test sets.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use prismq::{
    Claim, Clock, Handle, Lease, ManualClock, NewTask, Queue, RetryPolicy, Signal, TaskId,
    Timestamp,
};
use tempfile::TempDir;

use super::{Watchdog, wait_until};

/// The lease of the claims made here.
pub(crate) const LEASE: Duration = Duration::from_secs(60);
/// The wait after a failed attempt.
pub(crate) const RETRY: Duration = Duration::from_secs(10);

pub(crate) struct Fixture {
    pub(crate) queue: Queue,
    pub(crate) clock: Arc<ManualClock>,
    pub(crate) folder: TempDir,
    _watchdog: Watchdog,
}

impl Fixture {
    pub(crate) fn new() -> Self {
        let watchdog = Watchdog::start();
        let folder = tempfile::tempdir().unwrap();
        let clock = Arc::new(ManualClock::new(Timestamp::from_micros(1_000_000_000)));
        let queue = open(folder.path(), &clock);
        Self { queue, clock, folder, _watchdog: watchdog }
    }

    pub(crate) fn path(&self) -> PathBuf {
        self.folder.path().join("queue.db")
    }

    /// The path of the file next to the queue's that has this suffix.
    pub(crate) fn next_to(&self, suffix: &str) -> PathBuf {
        self.folder.path().join(format!("queue.db{suffix}"))
    }

    /// The length of the WAL, of which only the metadata is read: opening and closing it would drop SQLite's
    /// locks.
    pub(crate) fn wal_bytes(&self) -> u64 {
        std::fs::metadata(self.next_to("-wal")).unwrap().len()
    }

    /// A second handle on the same file, as another process would have.
    pub(crate) fn another_handle(&self) -> Queue {
        open(self.folder.path(), &self.clock)
    }

    /// Closes the queue, changes its file, and opens it again.
    pub(crate) fn reopen_after(self, change: impl FnOnce(&Path)) -> Self {
        let Self { queue, clock, folder, _watchdog } = self;
        drop(queue);
        change(&folder.path().join("queue.db"));
        let queue = open(folder.path(), &clock);
        Self { queue, clock, folder, _watchdog }
    }

    pub(crate) fn enqueue(&self, payload: &str) -> TaskId {
        self.queue.enqueue(task(payload)).unwrap().id()
    }

    pub(crate) fn claim(&self, max: usize) -> Vec<Lease> {
        self.queue.claim(&claim().max(max)).unwrap()
    }

    pub(crate) fn claim_one(&self) -> Lease {
        let mut leases = self.claim(1);
        leases.pop().expect("a task is ready")
    }

    /// Waits until the lease of a task has been extended to its full length from now.
    #[track_caller]
    pub(crate) fn wait_for_extension(&self, id: TaskId) {
        let extended = self.clock.now().after(LEASE);
        wait_until!(self.queue.task(id).unwrap().unwrap().lease_expires_at == Some(extended));
    }

    /// Payloads of up to `max` claimed tasks, in the order of the claim.
    pub(crate) fn claimed(&self, max: usize) -> Vec<String> {
        self.claim(max).iter().map(text).collect()
    }
}

fn open(folder: &Path, clock: &Arc<ManualClock>) -> Queue {
    Queue::builder(folder.join("queue.db"))
        .clock(clock.clone())
        .retry(RetryPolicy::fixed(RETRY))
        .open()
        .unwrap()
}

/// A clock that has only the wall's time, and reports no jump.
#[derive(Debug)]
pub(crate) struct Wall(pub(crate) ManualClock);

impl Clock for Wall {
    fn now(&self) -> Timestamp {
        self.0.now()
    }

    fn sleep_until(&self, due: Timestamp) -> Option<Duration> {
        Some(due.since(self.now()))
    }

    fn on_jump(&self, _: &Arc<Signal>) {}
}

/// The ids of enqueued tasks.
pub(crate) fn ids<T>(handles: Vec<Handle<T>>) -> Vec<TaskId> {
    handles.into_iter().map(|handle| handle.id()).collect()
}

pub(crate) fn task(payload: &str) -> NewTask {
    NewTask::new("job", payload.as_bytes())
}

pub(crate) fn claim() -> Claim {
    Claim::new(["job"]).lease(LEASE)
}

pub(crate) fn text(lease: &Lease) -> String {
    String::from_utf8(lease.payload().to_vec()).unwrap()
}
