//! A random run of a queue on a watched disk, with what was acknowledged at which position of the disk's journal.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use fastrand::Rng;
use prismq::{
    Claim, Durability, Handle, Lease, ManualClock, NewTask, Queue, TaskError, TaskId, Timestamp,
};
use prismq_check::Snapshot;
use prismq_faults::{Disk, Journal, Scratch};
use rusqlite::Connection;

use crate::support::FILE;

/// Beyond this many tasks, the run completes more than it enqueues.
const TASKS_AT_ONCE: usize = 40;
const LEASE: Duration = Duration::from_secs(60);

/// One operation that was acknowledged.
#[derive(Debug)]
pub(crate) struct Ack {
    /// The journal's position when it began and when it returned.
    pub(crate) began: usize,
    pub(crate) ended: usize,
    /// Whether a power cut must not undo it under full durability.
    pub(crate) durable: bool,
    /// The logical state after it.
    pub(crate) digest: u64,
    pub(crate) enqueued: Vec<TaskId>,
    pub(crate) completed: Option<TaskId>,
    pub(crate) at: Duration,
}

pub(crate) struct RandomRun {
    pub(crate) journal: Journal,
    /// In their order; the first is the opening.
    pub(crate) acks: Vec<Ack>,
}

struct Runner {
    path: PathBuf,
    durability: Durability,
    disk: Disk,
    clock: Arc<ManualClock>,
    rng: Rng,
    queue: Option<Queue>,
    /// Reads the state after each operation.
    reader: Option<Connection>,
    leases: Vec<Lease>,
    started: Instant,
    acks: Vec<Ack>,
    tasks: usize,
}

/// What an operation did, where it matters for what must be there afterwards.
#[derive(Default)]
struct Outcome {
    durable: bool,
    enqueued: Vec<TaskId>,
    completed: Option<TaskId>,
}

/// Runs this many random operations.
pub(crate) fn run_randomly(durability: Durability, operations: usize, seed: u64) -> RandomRun {
    let folder = Scratch::new().unwrap();
    let disk = Disk::watch(folder.path()).unwrap();
    disk.keep_journal().unwrap();
    let mut runner = Runner {
        path: folder.file(FILE),
        durability,
        disk,
        clock: Arc::new(ManualClock::new(Timestamp::from_micros(1_000_000_000))),
        rng: Rng::with_seed(seed),
        queue: None,
        reader: None,
        leases: Vec::new(),
        started: Instant::now(),
        acks: Vec::new(),
        tasks: 0,
    };
    runner.acknowledge(Runner::reopen);
    for _ in 0..operations {
        runner.acknowledge(Runner::operate);
    }
    // The last close is part of the journal: it checkpoints and deletes the WAL.
    runner.acknowledge(Runner::reopen);
    runner.reader = None;
    runner.queue = None;
    RandomRun { journal: runner.disk.take_journal(), acks: runner.acks }
}

impl Runner {
    fn acknowledge(&mut self, operation: impl FnOnce(&mut Self) -> Outcome) {
        let began = self.disk.position();
        let Outcome { durable, enqueued, completed } = operation(self);
        let ended = self.disk.position();
        let at = self.started.elapsed();
        let state = Snapshot::read(self.reader.as_ref().unwrap()).unwrap();
        assert_eq!(state.problems, [""; 0]);
        self.tasks = state.tasks.len();
        let digest = state.digest;
        // An operation that changed nothing, say for a lost lease, commits nothing and promises nothing.
        let durable = durable && self.acks.last().is_none_or(|last| last.digest != digest);
        self.acks.push(Ack { began, ended, durable, digest, enqueued, completed, at });
    }

    fn reopen(&mut self) -> Outcome {
        self.reader = None;
        self.queue = None;
        let opened = Queue::builder(&self.path)
            .durability(self.durability)
            .clock(self.clock.clone())
            .open()
            .unwrap();
        self.queue = Some(opened);
        self.reader = Some(Connection::open(&self.path).unwrap());
        Outcome { durable: true, ..Outcome::default() }
    }

    fn operate(&mut self) -> Outcome {
        let draw = self.rng.u8(0..100);
        let crowded = self.tasks > TASKS_AT_ONCE;
        match draw {
            0..30 if !crowded => self.enqueue(),
            0..50 => self.claim(),
            50..72 => self.complete(),
            72..78 => self.fail(),
            78..82 => self.release(),
            82..86 => self.extend(),
            86..90 => self.set(),
            90..93 => {
                self.clock.advance(LEASE / 2);
                self.claim()
            }
            93..95 => self.checkpoint(),
            95 => self.reopen(),
            _ => self.enqueue_from_outside(),
        }
    }

    fn queue(&self) -> &Queue {
        self.queue.as_ref().unwrap()
    }

    fn new_tasks(&mut self) -> Vec<NewTask> {
        let count = if self.rng.u8(0..4) == 0 { self.rng.usize(2..12) } else { 1 };
        (0..count)
            .map(|_| {
                let bytes = match self.rng.u8(0..10) {
                    0 => self.rng.usize(5_000..40_000),
                    _ => self.rng.usize(0..900),
                };
                let delay = Duration::from_secs(if self.rng.u8(0..5) == 0 { 20 } else { 0 });
                let name = ["job", "other"][usize::from(self.rng.u8(0..4) == 0)];
                NewTask::new(name, vec![self.rng.u8(..); bytes])
                    .priority(self.rng.i32(0..5))
                    .delay(delay)
                    .max_attempts(2)
            })
            .collect()
    }

    fn enqueue(&mut self) -> Outcome {
        let tasks = self.new_tasks();
        let handles = self.queue().enqueue_all(&tasks).unwrap();
        let enqueued = handles.iter().map(Handle::id).collect();
        Outcome { durable: true, enqueued, ..Outcome::default() }
    }

    fn enqueue_from_outside(&mut self) -> Outcome {
        let tasks = self.new_tasks();
        let own = self.reader.as_ref().unwrap();
        let level = match self.durability {
            Durability::Full | Durability::Replicated => "FULL",
            Durability::Normal => "NORMAL",
        };
        own.pragma_update(None, "synchronous", level).unwrap();
        own.execute_batch("BEGIN IMMEDIATE").unwrap();
        let handles = prismq::sqlite::enqueue_in(self.queue(), own, &tasks).unwrap();
        let enqueued = handles.iter().map(Handle::id).collect();
        own.execute_batch("COMMIT").unwrap();
        Outcome { durable: true, enqueued, ..Outcome::default() }
    }

    fn claim(&mut self) -> Outcome {
        let max = self.rng.usize(1..4);
        let claim = Claim::new(["job", "other"]).max(max).lease(LEASE);
        let leases = self.queue().claim(&claim).unwrap();
        self.leases.extend(leases);
        Outcome::default()
    }

    fn lease(&mut self) -> Option<Lease> {
        let place = self.rng.usize(0..self.leases.len().max(1));
        (!self.leases.is_empty()).then(|| self.leases.swap_remove(place))
    }

    fn complete(&mut self) -> Outcome {
        let Some(lease) = self.lease() else { return self.claim() };
        // It may be lost, to the clock.
        let completed = self.queue().complete(&lease).is_ok().then(|| lease.id());
        Outcome { durable: true, completed, ..Outcome::default() }
    }

    fn fail(&mut self) -> Outcome {
        let Some(lease) = self.lease() else { return self.claim() };
        let delay = Duration::from_secs(self.rng.u64(0..30));
        _ = self.queue().fail(&lease, TaskError::new("no").retry_after(delay));
        Outcome { durable: true, ..Outcome::default() }
    }

    fn release(&mut self) -> Outcome {
        let Some(lease) = self.lease() else { return self.claim() };
        _ = self.queue().release(&lease);
        Outcome::default()
    }

    fn extend(&mut self) -> Outcome {
        let Some(lease) = self.lease() else { return self.claim() };
        _ = self.queue().extend(&lease, LEASE);
        self.leases.push(lease);
        Outcome::default()
    }

    fn set(&mut self) -> Outcome {
        let (draw, keep) = (self.rng.u8(0..4), self.rng.u32(0..4));
        match draw {
            0 => self.queue().set_history("default", keep),
            1 => self.queue().pause("aside"),
            2 => self.queue().resume("aside"),
            _ => self.queue().set_order("empty", prismq::Order::LastInFirstOut),
        }
        .unwrap();
        Outcome { durable: true, ..Outcome::default() }
    }

    /// What another program may do at any time.
    fn checkpoint(&mut self) -> Outcome {
        let how = ["PASSIVE", "FULL", "RESTART", "TRUNCATE"][self.rng.usize(0..4)];
        let own = self.reader.as_ref().unwrap();
        own.query_row(&format!("PRAGMA wal_checkpoint({how})"), [], |_| Ok(())).unwrap();
        Outcome::default()
    }
}

/// Whether at each position of the journal the database has parts of the WAL that is in use: then the
/// one is not sound without the other.
pub(crate) fn is_backfilled(journal: &Journal) -> Vec<bool> {
    use prismq_faults::Event;
    const WAL: &str = "queue.db-wal";
    let mut names = std::collections::HashMap::new();
    let mut backfilled = false;
    // A new header is a new WAL, once it is synced, and so is the name of a new file: before, the old one may be found.
    let (mut renewed, mut synced, mut named) = (false, false, true);
    let mut at = Vec::with_capacity(journal.len() + 1);
    for event in journal.events() {
        at.push(backfilled);
        match event {
            Event::Create { name, inode } => {
                names.insert(*inode, name.as_str());
                named &= name != WAL;
            }
            Event::Write { inode, offset, .. } => match names.get(inode) {
                Some(&FILE) => (backfilled, renewed) = (true, false),
                Some(&WAL) if *offset == 0 => (renewed, synced) = (true, false),
                _ => {}
            },
            Event::Sync { inode } if names.get(inode) == Some(&WAL) => synced = true,
            Event::SyncFolder => named = true,
            _ => {}
        }
        if renewed && synced && named {
            (backfilled, renewed) = (false, false);
        }
    }
    at.push(backfilled);
    at
}

pub(crate) fn wal(path: &Path) -> PathBuf {
    path.with_file_name("queue.db-wal")
}
