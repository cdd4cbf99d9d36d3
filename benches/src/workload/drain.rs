//! A closed workload: a backlog is loaded, then a pool drains it as fast as it can.

use std::sync::Arc;
use std::time::{Duration, Instant};

use crate::accounting::Audit;
use crate::engine::{Census, Counters, Crew, CrewReport, Ending, Engine, RunningCrew};
use crate::error::{Error, Result};
use crate::ledger::{Ledger, ids_that};
use crate::metrics::as_f64;
use crate::stage::Stage;
use crate::workload::{handler, sized};

/// Tasks in one transaction while the backlog is loaded.
pub const ENQUEUE_BATCH: usize = 100;
/// A workload that has not ended by then is not slow but stuck.
pub const BOUND: Duration = Duration::from_secs(120);
/// How long a stopping pool may take.
pub const STOP_BOUND: Duration = Duration::from_secs(30);

/// The lease of the pools' claims.
pub const LEASE: Duration = Duration::from_secs(60);
const TASK_TYPE: &str = "drain";

/// What a task of a given number does in its handler.
pub type Work = Arc<dyn Fn(u64) + Send + Sync>;

/// A backlog and who drains it.
#[derive(Clone)]
pub struct Drain {
    /// Threads of the pool.
    pub workers: usize,
    /// Tasks of the backlog.
    pub tasks: usize,
    /// Bytes of each one's payload.
    pub payload_bytes: usize,
    /// What each does.
    pub work: Work,
}

/// What a drain came to.
#[derive(Debug, Clone)]
pub struct Drained {
    /// Tasks of the backlog.
    pub tasks: u64,
    /// Loading the backlog, in batches of [`ENQUEUE_BATCH`].
    pub loading: Duration,
    /// From the start of the pool to the last commit.
    pub draining: Duration,
    /// Whether every task was done once.
    pub audit: Audit,
    /// What the engine met while draining.
    pub met: Counters,
    /// What the pool says of itself.
    pub crew: CrewReport,
    /// Why the figures must not be used, if they must not.
    pub faults: Vec<String>,
}

impl Drained {
    /// Tasks completed in a second.
    #[must_use]
    pub fn tasks_per_s(&self) -> f64 {
        as_f64(self.audit.completed) / self.draining.as_secs_f64()
    }

    /// Tasks enqueued in a second.
    #[must_use]
    pub fn enqueued_per_s(&self) -> f64 {
        as_f64(self.tasks) / self.loading.as_secs_f64()
    }

    /// Errors of any kind.
    #[must_use]
    pub fn errors(&self) -> u64 {
        let errors = u64::try_from(self.crew.errors.len()).unwrap_or(u64::MAX);
        errors.saturating_add(self.met.busy_errors)
    }
}

/// Loads and drains a backlog in a new database.
///
/// # Errors
/// If the engine fails before there is anything to measure.
pub fn drain(stage: &Stage, load: &Drain) -> Result<Drained> {
    let database = stage.database(load.workers)?;
    let engine = database.engine();
    let backlog = sized(TASK_TYPE, load.tasks, load.payload_bytes);

    let started = Instant::now();
    let mut enqueued = Vec::with_capacity(load.tasks);
    for batch in backlog.chunks(ENQUEUE_BATCH) {
        enqueued.extend(engine.enqueue_all(batch).map_err(Error::engine("enqueue"))?);
    }
    let loading = started.elapsed();
    Pool::start(engine, TASK_TYPE, load.workers, load.tasks, &load.work)?.finish(&enqueued, loading)
}

/// A pool at work on a known number of tasks.
pub(super) struct Pool<'a> {
    engine: &'a dyn Engine,
    ledger: Arc<Ledger>,
    running: Box<dyn RunningCrew>,
    before: Counters,
    started: Instant,
}

impl<'a> Pool<'a> {
    /// Starts a pool for so many tasks of a type.
    pub(super) fn start(
        engine: &'a dyn Engine,
        task_type: &'static str,
        workers: usize,
        tasks: usize,
        work: &Work,
    ) -> Result<Self> {
        let ledger = Ledger::expecting(tasks);
        let work = work.clone();
        let crew = Crew {
            workers,
            lease: LEASE,
            handlers: vec![(task_type, handler(&ledger, move |number| work(number)))],
            listener: ledger.listener(),
        };
        let before = engine.counters();
        let started = Instant::now();
        let running = engine.start(crew).map_err(Error::engine("start a pool"))?;
        Ok(Self { engine, ledger, running, before, started })
    }

    /// Waits until all tasks have ended, stops the pool and balances its books.
    pub(super) fn finish(self, enqueued: &[i64], loading: Duration) -> Result<Drained> {
        let in_time = self.ledger.wait(BOUND);
        let met = self.engine.counters().since(self.before);
        let crew = self.running.stop(STOP_BOUND);

        let entries = self.ledger.entries();
        let completions = ids_that(&entries, Ending::Completed);
        let ended = entries.iter().map(|entry| entry.at).max().unwrap_or_else(Instant::now);
        let audit = Audit::balance(enqueued, &completions, &self.ledger.take_runs());
        let census = self.engine.census().map_err(Error::engine("count its tasks"))?;
        let mut faults = audit.faults();
        if !in_time {
            faults.push(format!("the tasks were not done within {BOUND:?}"));
        }
        if census != Census::default() {
            faults.push(format!("tasks were left in the queue: {census:?}"));
        }
        faults.extend(crew.errors.iter().cloned());
        Ok(Drained {
            tasks: u64::try_from(enqueued.len()).unwrap_or(u64::MAX),
            loading,
            draining: ended.duration_since(self.started),
            audit,
            met,
            crew,
            faults,
        })
    }
}
