//! A closed workload: a backlog is loaded, then a pool drains it as fast as it can.

use std::sync::Arc;
use std::time::{Duration, Instant};

use crate::accounting::Audit;
use crate::engine::{Census, Counters, Crew, CrewReport, Ending};
use crate::error::{Error, Result};
use crate::ledger::{Ledger, ids_that};
use crate::metrics::as_f64;
use crate::stage::Stage;
use crate::workload::{handler, numbered};

/// Tasks in one transaction while the backlog is loaded.
pub const ENQUEUE_BATCH: usize = 100;
/// A workload that has not ended by then is not slow but stuck.
pub const BOUND: Duration = Duration::from_secs(120);
/// How long a stopping pool may take.
pub const STOP_BOUND: Duration = Duration::from_secs(30);

const LEASE: Duration = Duration::from_secs(60);
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
pub fn drain(stage: &Stage, drain: &Drain) -> Result<Drained> {
    let database = stage.database(drain.workers)?;
    let engine = database.engine();
    let backlog = numbered(TASK_TYPE, drain.tasks);

    let started = Instant::now();
    let mut enqueued = Vec::with_capacity(drain.tasks);
    for batch in backlog.chunks(ENQUEUE_BATCH) {
        enqueued.extend(engine.enqueue_all(batch).map_err(Error::engine("enqueue"))?);
    }
    let loading = started.elapsed();

    let ledger = Ledger::expecting(drain.tasks);
    let work = drain.work.clone();
    let crew = Crew {
        workers: drain.workers,
        lease: LEASE,
        handlers: vec![(TASK_TYPE, handler(&ledger, move |number| work(number)))],
        listener: ledger.listener(),
    };
    let before = engine.counters();
    let started = Instant::now();
    let running = engine.start(crew).map_err(Error::engine("start a pool"))?;
    let in_time = ledger.wait(BOUND);
    let met = engine.counters().since(before);
    let crew = running.stop(STOP_BOUND);

    let entries = ledger.entries();
    let completions = ids_that(&entries, Ending::Completed);
    let ended = entries.iter().map(|entry| entry.at).max().unwrap_or_else(Instant::now);
    let audit = Audit::balance(&enqueued, &completions, &ledger.take_runs());
    let census = engine.census().map_err(Error::engine("count its tasks"))?;
    let mut faults = audit.faults();
    if !in_time {
        faults.push(format!("the drain did not end within {BOUND:?}"));
    }
    if census != Census::default() {
        faults.push(format!("tasks were left in the queue: {census:?}"));
    }
    faults.extend(crew.errors.iter().cloned());
    Ok(Drained {
        tasks: u64::try_from(drain.tasks).unwrap_or(u64::MAX),
        loading,
        draining: ended.duration_since(started),
        audit,
        met,
        crew,
        faults,
    })
}
