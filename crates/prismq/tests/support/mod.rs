//! A queue in a temporary folder, with a clock in the test's hand.
use std::path::PathBuf;
#[cfg(unix)]
use std::process::{Command, Output};
use std::sync::Arc;
use std::time::{Duration, Instant};

use prismq::{
    Claim, Clock, Lease, ManualClock, NewTask, Queue, RetryPolicy, Signal, TaskId, Timestamp,
};
use tempfile::TempDir;

/// The lease of the claims made here.
pub(crate) const LEASE: Duration = Duration::from_secs(60);
/// The wait after a failed attempt.
pub(crate) const RETRY: Duration = Duration::from_secs(10);

/// Longer than anything takes that is waited for.
const PATIENCE: Duration = Duration::from_secs(60);

pub(crate) struct Fixture {
    pub(crate) queue: Queue,
    pub(crate) clock: Arc<ManualClock>,
    pub(crate) folder: TempDir,
}

impl Fixture {
    pub(crate) fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let clock = Arc::new(ManualClock::new(Timestamp::from_micros(1_000_000_000)));
        let queue = open(&folder, &clock);
        Self { queue, clock, folder }
    }

    pub(crate) fn path(&self) -> PathBuf {
        self.folder.path().join("queue.db")
    }

    /// A second handle on the same file, as another process would have.
    pub(crate) fn another_handle(&self) -> Queue {
        open(&self.folder, &self.clock)
    }

    pub(crate) fn enqueue(&self, payload: &str) -> TaskId {
        self.queue.enqueue(&task(payload)).unwrap()
    }

    pub(crate) fn claim(&self, max: usize) -> Vec<Lease> {
        self.queue.claim(&claim().max(max)).unwrap()
    }

    pub(crate) fn claim_one(&self) -> Lease {
        let mut leases = self.claim(1);
        leases.pop().expect("a task is ready")
    }

    /// Payloads of up to `max` claimed tasks, in the order they were given.
    pub(crate) fn claimed(&self, max: usize) -> Vec<String> {
        self.claim(max).iter().map(text).collect()
    }
}

fn open(folder: &TempDir, clock: &Arc<ManualClock>) -> Queue {
    Queue::builder(folder.path().join("queue.db"))
        .clock(clock.clone())
        .retry(RetryPolicy::fixed(RETRY))
        .open()
        .unwrap()
}

/// A clock with the wall's time alone, which says nothing when it is set.
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

pub(crate) fn task(payload: &str) -> NewTask {
    NewTask::new("job", payload.as_bytes())
}

pub(crate) fn claim() -> Claim {
    Claim::new(["job"]).lease(LEASE)
}

pub(crate) fn text(lease: &Lease) -> String {
    String::from_utf8(lease.payload().to_vec()).unwrap()
}

/// Blocks until `condition` holds: for states that other threads reach on their own.
pub(crate) fn wait_until(mut condition: impl FnMut() -> bool) {
    let started = Instant::now();
    while !condition() {
        assert!(started.elapsed() < PATIENCE, "what is waited for does not happen");
        std::thread::yield_now();
    }
}

/// The queue of a test that runs in a process of its own.
pub(crate) const FILE: &str = "PRISMQ_TEST_FILE";

/// Runs an ignored test in a process that can write no file longer than this many blocks of 512 bytes.
#[cfg(unix)]
pub(crate) fn run_with_file_limit(test: &str, blocks: u32, path: &std::path::Path) -> Output {
    // Unless it is ignored, the limit's signal ends the process before SQLite is answered.
    let script = format!("trap '' XFSZ; ulimit -f {blocks}; exec \"$0\" \"$@\"");
    Command::new("sh")
        .args(["-c", script.as_str()])
        .arg(std::env::current_exe().unwrap())
        .args(["--exact", test, "--ignored", "--nocapture", "--test-threads=1"])
        .env(FILE, path)
        .output()
        .unwrap()
}
