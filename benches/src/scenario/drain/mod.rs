//! A closed workload: a backlog is loaded, then a pool drains it as fast as it can.

pub mod efficiency;
pub mod foreign_writer;
pub mod overhead;
pub mod pipeline;
pub mod processes;

use std::time::{Duration, Instant};

use hdrhistogram::Histogram;
use prismq_record as record;

use crate::base::error::{Error, Result};
use crate::base::histogram::{add, empty};
use crate::base::number::{as_f64, percent};
use crate::load::pool::{Pool, Worked};
use crate::load::tasks::sized;
use crate::observe::audit::Audit;
use crate::observe::sampler::{self, Sample};
use crate::observe::timeline::{Marks, intervals, phase};
use crate::observe::written::Written;
use crate::scenario::stage::Stage;
use crate::subject::under_test::Subject;
use crate::subject::{Census, Counters, CrewReport, DEFAULT_QUEUE, Engine, TaskSpec};

pub use crate::load::pool::{BOUND, LEASE, STOP_BOUND, Work};

/// Tasks in one transaction while the backlog is loaded.
pub const ENQUEUE_BATCH: usize = 100;
/// How long intervals are: a drain takes as long as it takes.
pub(super) const EVERY: Duration = Duration::from_millis(100);

pub(super) const TASK_TYPE: &str = "drain";

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
    /// How long handlers took, in nanoseconds.
    pub service: Histogram<u64>,
    /// Whether every task was done once.
    pub audit: Audit,
    /// What the engine met while draining.
    pub met: Counters,
    /// What the process wrote meanwhile, where the system counts it and nothing else was written.
    pub written: Option<Written>,
    /// What the pool says of itself.
    pub crew: CrewReport,
    /// The drain over time.
    pub course: record::Round,
    /// Why the figures must not be used, if they must not.
    pub faults: Vec<String>,
}

/// What one round says about whether its number of workers can be borne.
#[derive(Debug, Clone)]
pub struct Borne {
    /// Whether everything was done without an error.
    pub clean: bool,
    /// Whether each worker did something.
    pub all_at_work: bool,
    /// Why its figures must not be used, if they must not.
    pub faults: Vec<String>,
}

impl Drained {
    /// What it says about so many workers.
    #[must_use]
    pub fn borne(&self, workers: usize) -> Borne {
        let per_worker = &self.crew.per_worker;
        Borne {
            clean: self.faults.is_empty() && self.errors() == 0,
            all_at_work: per_worker.len() == workers && per_worker.iter().all(|tasks| *tasks > 0),
            faults: self.faults.clone(),
        }
    }

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

    /// Claims that saw a task and lost it, of all that saw one.
    #[must_use]
    pub fn claim_conflict_percent(&self) -> f64 {
        // A claim that saw a task either took it or lost it.
        percent(self.met.claim_conflicts, self.audit.completed + self.met.claim_conflicts)
    }

    /// Errors of any kind.
    #[must_use]
    pub fn errors(&self) -> u64 {
        let errors = u64::try_from(self.crew.errors.len()).unwrap_or(u64::MAX);
        errors.saturating_add(self.met.busy_errors)
    }

    /// What a pool's work says, once the time of loading is known.
    pub(super) fn of(
        worked: Worked,
        loading: Duration,
        marks: &Marks,
        samples: &[Sample],
    ) -> Result<Self> {
        let (started, ended) = (worked.started, worked.ended);
        let draining = worked.took();
        let mut service = empty("service")?;
        for run in &worked.runs {
            add(&mut service, run.ended.saturating_duration_since(run.started));
        }
        let course = record::Round {
            seconds: draining.as_secs_f64(),
            counters: worked.counters(),
            intervals: intervals(started, (started, ended), EVERY, marks, samples)?,
            phases: vec![phase("drain", started, started, ended)],
            per_worker: worked.crew.per_worker.clone(),
            ..record::Round::default()
        };
        Ok(Self {
            tasks: worked.audit.enqueued,
            loading,
            draining,
            service,
            audit: worked.audit,
            met: worked.met,
            written: None,
            crew: worked.crew,
            course,
            faults: worked.faults,
        })
    }
}

/// Loads and drains a backlog in a new database.
///
/// # Errors
/// If the engine fails before there is anything to measure.
pub fn drain(stage: &Stage, load: &Drain) -> Result<Drained> {
    let database = stage.database(load.workers)?;
    let mut drained = run(&database.subject(), load)?;
    drained.faults.extend(database.recount(&[DEFAULT_QUEUE], Census::default())?);
    Ok(drained)
}

/// The same on anything that is open and empty.
///
/// # Errors
/// If the engine fails before there is anything to measure.
pub fn run(subject: &Subject<'_>, load: &Drain) -> Result<Drained> {
    let backlog = sized(TASK_TYPE, load.tasks, load.payload_bytes);
    let started = Instant::now();
    let enqueued = fill(subject.engine, &backlog)?;
    let loading = started.elapsed();
    let before = Written::by_this_process();
    let (worked, samples) = sampler::beside(subject, EVERY, || {
        Pool::start(subject, TASK_TYPE, load.workers, load.tasks, &load.work)?.finish(&enqueued)
    })?;
    let written = Written::since(before);
    let completions = worked.completions.iter().map(|entry| entry.at);
    let marks = Marks::completions(worked.audit.enqueued, completions);
    Ok(Drained { written, ..Drained::of(worked, loading, &marks, &samples)? })
}

/// Enqueues a backlog in batches of [`ENQUEUE_BATCH`] and gives back the tasks' ids.
pub(super) fn fill(engine: &dyn Engine, backlog: &[TaskSpec]) -> Result<Vec<i64>> {
    let mut enqueued = Vec::with_capacity(backlog.len());
    for batch in backlog.chunks(ENQUEUE_BATCH) {
        enqueued.extend(engine.enqueue_all(batch).map_err(Error::engine("enqueue"))?);
    }
    Ok(enqueued)
}

/// Whether so many workers did everything without an error, each of them at work in most rounds:
/// in a short round, one of many threads may come too late.
#[must_use]
pub fn bearable(rounds: &[Borne]) -> bool {
    let all_at_work = rounds.iter().filter(|round| round.all_at_work).count();
    rounds.iter().all(|round| round.clean) && 2 * all_at_work >= rounds.len()
}
