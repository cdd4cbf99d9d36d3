//! Processes on one file under the system's clock, and what they recorded.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use prismq::{Queue, SystemClock};
use prismq_check::{
    ClaimRequest, Client, Counts, History, KEYED_TYPES, Process, ProcessSpec, Recorder, Role,
    Rules, Served, Snapshot, TYPES, Verdict, check,
};
use tempfile::TempDir;

use super::{fast_folder, wait_until};

/// How long what a process of these tests claims is held.
pub(crate) const LEASE: Duration = Duration::from_millis(300);

/// At most the clients of any other process.
const CLIENTS: u32 = 3;
/// More pools than a process of these tests runs one after another.
const CLIENTS_OF_POOLS: u32 = 10_000;

pub(crate) struct Fleet {
    folder: TempDir,
    clients: u32,
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
        Self { folder, clients: 0, recorded: History::default() }
    }

    pub(crate) fn path(&self) -> PathBuf {
        self.folder.path().join("queue.db")
    }

    pub(crate) fn start(&mut self, role: Role, seed: u64) -> Process {
        self.start_with(role, seed, LEASE)
    }

    pub(crate) fn start_with(&mut self, role: Role, seed: u64, lease: Duration) -> Process {
        let spec =
            ProcessSpec { path: self.path(), client_id: self.clients + 1, seed, lease, role };
        self.clients += if matches!(role, Role::Pools { .. }) { CLIENTS_OF_POOLS } else { CLIENTS };
        Process::start(env!("CARGO_BIN_EXE_prismq-check-process"), &spec).unwrap()
    }

    /// Adds the record of a process that has ended.
    pub(crate) fn add(&mut self, recorded: History) {
        self.recorded = std::mem::take(&mut self.recorded).and(recorded);
    }

    /// A client in this process; what it recorded must be added in the end.
    pub(crate) fn client(&mut self, queue: Queue) -> (Client<Queue>, Recorder) {
        self.clients += 1;
        let recorder = Recorder::in_memory();
        (Client::new(queue, Arc::new(SystemClock), recorder.clone(), self.clients), recorder)
    }

    /// What the processes have recorded up to now.
    pub(crate) const fn recorded(&self) -> &History {
        &self.recorded
    }

    /// The verdict on the file and the record up to now.
    pub(crate) fn verdict(&self, rules: &Rules) -> Verdict {
        check(&self.recorded, &[Snapshot::take(self.path()).unwrap()], rules)
    }

    /// Opens the file again, completes all tasks, and checks what became of each.
    pub(crate) fn drain(&mut self, rules: &Rules) -> Verdict {
        let queue = Queue::open(self.path()).unwrap();
        let (mut client, recorder) = self.client(queue.clone());
        let types = TYPES.into_iter().chain(KEYED_TYPES);
        let types = types.map(str::to_owned).collect();
        let lease = Duration::from_secs(60);
        let any = ClaimRequest { types, max: 100, lease, ..ClaimRequest::default() };
        for name in ["default", Served::SECOND] {
            let take = ClaimRequest { queue: name.to_owned(), ..any.clone() };
            wait_until("all tasks are completed or dead", || {
                let leases = client.claim(&take).unwrap();
                for lease in &leases {
                    client.complete(lease).unwrap();
                }
                // What is left waits for the leases of the dead to expire.
                let left = queue.stats(name).unwrap();
                leases.is_empty() && left.ready + left.scheduled + left.leased == 0
            });
        }
        self.add(History::of(&recorder));
        self.verdict(&Rules { drained: true, ..*rules })
    }
}

/// Prints counts, which `--nocapture` shows.
pub(crate) fn report(what: &str, counts: &Counts) {
    println!("{what}:\n{counts}");
}
