//! What a claim costs next to a great many tasks that it does not take, and next to few.
//!
//! These backlogs are built by what only prismq can do, so that it is measured through its own interface
//! and not through [`crate::subject::Subject`].

use std::time::{Duration, Instant};

use prismq::{Claim, Durability, Limit, NewTask, Queue, TaskError, WorkerPool};
use tempfile::TempDir;

use crate::base::error::{Error, Result};
use crate::load::pool::{BOUND, STOP_BOUND};
use crate::load::tasks::PAYLOAD_BYTES;
use crate::observe::ledger::Ledger;
use crate::scenario::stage::Stage;
#[cfg(feature = "postgres")]
use crate::subject::SubjectKind;
#[cfg(feature = "postgres")]
use crate::subject::local::server::Schema;

/// Ready tasks in the queue that others are compared with.
pub const FEW: usize = 1_000;

const TASK_TYPE: &str = "claimed";
const OTHER: &str = "other";
const BATCH: usize = 1_000;
const LATER: Duration = Duration::from_secs(24 * 60 * 60);

/// What tasks the queue holds that a claim does not take.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum BacklogKind {
    /// Ready tasks of the same type.
    Ready,
    /// Tasks that are not due.
    Scheduled,
    /// Dead letters.
    Dead,
    /// Completed tasks kept as history.
    Kept,
    /// Ready tasks of another type.
    OtherTypes,
    /// Ready tasks of a paused queue.
    Paused,
    /// Ready tasks of another type and of [`KEYS`] keys, of which two of each may run at once.
    Limited,
}

/// Of how many keys the tasks of a claim are, of which two of each may run at once.
pub const KEYS: usize = 10_000;

impl BacklogKind {
    /// All of them.
    pub const ALL: [Self; 7] = [
        Self::Ready,
        Self::Scheduled,
        Self::Dead,
        Self::Kept,
        Self::OtherTypes,
        Self::Paused,
        Self::Limited,
    ];

    /// Its name in ids.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Ready => "ready",
            Self::Scheduled => "scheduled",
            Self::Dead => "dead",
            Self::Kept => "kept",
            Self::OtherTypes => "other_types",
            Self::Paused => "paused",
            Self::Limited => "limited",
        }
    }
}

/// A queue with something in it, and [`FEW`] tasks to claim.
#[derive(Debug)]
pub struct Filled {
    queue: Queue,
    place: Place,
}

/// Where its tables are, until they are removed.
#[derive(Debug)]
enum Place {
    File(TempDir),
    #[cfg(feature = "postgres")]
    Server(Schema),
}

impl Place {
    fn fresh(stage: &Stage) -> Result<Self> {
        let bench_dir = stage.bench_dir();
        #[cfg(feature = "postgres")]
        if stage.kind() == SubjectKind::Postgres {
            return Schema::fresh(bench_dir).map(Self::Server);
        }
        bench_dir.fresh().map(Self::File)
    }

    fn open(&self, durability: Durability) -> Result<Queue> {
        match self {
            Self::File(directory) => Queue::builder(directory.path().join("queue.db"))
                .durability(durability)
                .open()
                .map_err(Error::subject("open a database")),
            #[cfg(feature = "postgres")]
            Self::Server(schema) => schema.queue(durability),
        }
    }
}

/// A queue with a thousand ready tasks and this many others.
///
/// # Errors
/// If it cannot be filled.
pub fn fill(stage: &Stage, kind: BacklogKind, tasks: usize) -> Result<Filled> {
    let filled = fill_with(stage)?;
    let task = NewTask::new(TASK_TYPE, vec![0x5a; PAYLOAD_BYTES]);
    let other = NewTask::new(OTHER, vec![0x5a; PAYLOAD_BYTES]);
    match kind {
        BacklogKind::Ready => filled.enqueue(&task, tasks)?,
        BacklogKind::Scheduled => filled.enqueue(&task.clone().delay(LATER), tasks)?,
        BacklogKind::OtherTypes => filled.enqueue(&other, tasks)?,
        BacklogKind::Paused => {
            filled.enqueue(&other.queue("paused"), tasks)?;
            filled.queue.pause("paused").map_err(Error::subject("pause a queue"))?;
        }
        BacklogKind::Limited => filled.enqueue_of_keys(&other, tasks, KEYS)?,
        BacklogKind::Dead => {
            filled.enqueue(&task.clone().max_attempts(1), tasks)?;
            filled.work_off(tasks, || Err("on purpose".into()))?;
        }
        BacklogKind::Kept => {
            let keep = u32::try_from(tasks).unwrap_or(u32::MAX);
            filled.queue.set_history("default", keep).map_err(Error::subject("set a history"))?;
            filled.enqueue(&task, tasks)?;
            filled.work_off(tasks, || Ok(()))?;
        }
    }
    filled.enqueue(&task, FEW)?;
    filled.durable()
}

/// A queue whose tasks are of this many keys, [`FEW`] or one for each, of which two of each may run at once.
///
/// # Errors
/// If it cannot be filled.
pub fn fill_with_keys(stage: &Stage, keys: usize) -> Result<Filled> {
    let filled = fill_with(stage)?;
    let task = NewTask::new(TASK_TYPE, vec![0x5a; PAYLOAD_BYTES]);
    filled.enqueue_of_keys(&task, keys.max(FEW), keys)?;
    filled.durable()
}

/// A new queue to be filled, which need not wait for the disk meanwhile.
fn fill_with(stage: &Stage) -> Result<Filled> {
    let place = Place::fresh(stage)?;
    Ok(Filled { queue: place.open(Durability::Normal)?, place })
}

/// The median times of this many claims each, in turns, so that both meet the same state of the machine.
///
/// # Errors
/// The first of either.
pub fn side_by_side(
    claims: usize,
    mut many: impl FnMut() -> Result<Duration>,
    mut few: impl FnMut() -> Result<Duration>,
) -> Result<(Duration, Duration)> {
    let (mut of_many, mut of_few) = (Vec::with_capacity(claims), Vec::with_capacity(claims));
    for _ in 0..claims {
        of_many.push(many()?);
        of_few.push(few()?);
    }
    Ok((median(of_many), median(of_few)))
}

fn median(mut times: Vec<Duration>) -> Duration {
    times.sort_unstable();
    times.get(times.len() / 2).copied().unwrap_or_default()
}

impl Filled {
    /// Filled, and as durable from now on as what is measured.
    fn durable(self) -> Result<Self> {
        let Self { queue, place } = self;
        drop(queue);
        Ok(Self { queue: place.open(Durability::Full)?, place })
    }

    /// The time of one claim of one task, which is given back so that nothing changes.
    ///
    /// # Errors
    /// If the queue fails or has no task.
    pub fn claim(&self) -> Result<Duration> {
        let claim = Claim::new([TASK_TYPE]);
        let started = Instant::now();
        let leases = self.queue.claim(&claim).map_err(Error::subject("claim"))?;
        let took = started.elapsed();
        let Some(lease) = leases.first() else {
            return Err(Error::Unfit {
                reason: "a claim found no task in a queue with a backlog".to_owned(),
            });
        };
        self.queue.release(lease).map_err(Error::subject("release"))?;
        Ok(took)
    }

    fn enqueue(&self, task: &NewTask, tasks: usize) -> Result<()> {
        let batch = vec![task.clone(); BATCH.min(tasks)];
        for _ in 0..tasks / batch.len().max(1) {
            self.queue.enqueue_all(&batch).map_err(Error::subject("enqueue"))?;
        }
        Ok(())
    }

    /// Enqueues tasks of this many keys in turn, of which two of each may run at once.
    fn enqueue_of_keys(&self, task: &NewTask, tasks: usize, keys: usize) -> Result<()> {
        let limit = Limit::concurrency(2).per_key();
        self.queue.set_limit("keys", limit).map_err(Error::subject("set a limit"))?;
        let numbers: Vec<usize> = (0..tasks).collect();
        for some in numbers.chunks(BATCH) {
            let key = |number: &usize| format!("key {}", number % keys);
            let some = some.iter().map(|number| task.clone().limit("keys").key(key(number)));
            let batch: Vec<NewTask> = some.collect();
            self.queue.enqueue_all(&batch).map_err(Error::subject("enqueue"))?;
        }
        Ok(())
    }

    /// Runs a pool until this many tasks have ended.
    fn work_off(
        &self,
        tasks: usize,
        handler: impl Fn() -> std::result::Result<(), TaskError> + Send + Sync + 'static,
    ) -> Result<()> {
        let ended = Ledger::expecting(tasks);
        let ends = ended.clone();
        let pool = WorkerPool::builder(&self.queue)
            .workers(2)
            .handle_bytes(TASK_TYPE, move |_, _| handler())
            .on_event(move |_| ends.count_ended())
            .start()
            .map_err(Error::subject("start a pool"))?;
        let in_time = ended.wait(BOUND);
        pool.shutdown(STOP_BOUND);
        if in_time {
            return Ok(());
        }
        Err(Error::Unfit { reason: format!("{tasks} tasks did not end within {BOUND:?}") })
    }
}
