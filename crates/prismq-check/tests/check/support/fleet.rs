//! Processes on one file under the system's clock, and what they recorded.

use std::path::PathBuf;
use std::sync::Arc;
use std::thread;
use std::time::Duration;

use prismq::{Queue, SystemClock};
use prismq_check::{
    Actor, Counts, History, Order, Process, Recorder, Role, Rules, Snapshot, Take, Verdict, check,
};
use tempfile::TempDir;

use crate::support::fast_folder;

/// How long what a process of these tests claims is held.
pub(crate) const LEASE: Duration = Duration::from_millis(300);

/// More pools than a process of these tests runs one after another.
const ACTORS_OF_POOLS: u32 = 10_000;

pub(crate) struct Fleet {
    folder: TempDir,
    procs: u32,
    recorded: History,
}

impl Fleet {
    pub(crate) fn new() -> Self {
        Self::in_folder(tempfile::tempdir().unwrap())
    }

    /// Where the disk's time is not to be what is seen.
    pub(crate) fn without_disk() -> Self {
        Self::in_folder(fast_folder())
    }

    fn in_folder(folder: TempDir) -> Self {
        Self { folder, procs: 0, recorded: History::default() }
    }

    pub(crate) fn path(&self) -> PathBuf {
        self.folder.path().join("queue.db")
    }

    pub(crate) fn start(&mut self, role: Role, seed: u64) -> Process {
        self.start_with(role, seed, LEASE)
    }

    pub(crate) fn start_with(&mut self, role: Role, seed: u64, lease: Duration) -> Process {
        let order = Order { path: self.path(), proc: self.procs + 1, seed, lease, role };
        self.procs += if matches!(role, Role::Pools { .. }) { ACTORS_OF_POOLS } else { 2 };
        Process::start(env!("CARGO_BIN_EXE_prismq-check-actor"), &order).unwrap()
    }

    /// Adds what a process recorded that is gone.
    pub(crate) fn heard(&mut self, recorded: History) {
        self.recorded = std::mem::take(&mut self.recorded).and(recorded);
    }

    /// An actor in this process; what it tells must be heard in the end.
    pub(crate) fn actor(&mut self, queue: Queue) -> (Actor<Queue>, Recorder) {
        self.procs += 1;
        let recorder = Recorder::in_memory();
        (Actor::new(queue, Arc::new(SystemClock), recorder.clone(), self.procs), recorder)
    }

    /// What stands there and was recorded up to now.
    pub(crate) fn verdict(&self, rules: &Rules) -> Verdict {
        check(&self.recorded, &[Snapshot::take(self.path()).unwrap()], rules)
    }

    /// Opens the file again, takes and completes all there is, and looks at what became of every task.
    pub(crate) fn drain(&mut self, rules: &Rules) -> Verdict {
        let queue = Queue::open(self.path()).unwrap();
        let (mut actor, recorder) = self.actor(queue.clone());
        let types = vec!["job".to_owned(), "limited".to_owned()];
        let lease = Duration::from_secs(60);
        let take = Take { types, max: 100, lease, ..Take::default() };
        loop {
            let leases = actor.claim(&take).unwrap();
            for lease in &leases {
                actor.complete(lease).unwrap();
            }
            let left = queue.stats("default").unwrap();
            if leases.is_empty() && left.ready + left.scheduled + left.leased == 0 {
                break;
            }
            if leases.is_empty() {
                // Until the leases of the dead expire.
                thread::sleep(Duration::from_millis(2));
            }
        }
        self.heard(History::of(&recorder));
        self.verdict(&Rules { drained: true, ..*rules })
    }
}

/// Adds up what was counted, and prints it for whoever asked to see it.
pub(crate) fn report(what: &str, counts: &Counts) {
    println!("{what}:\n{counts}");
}
