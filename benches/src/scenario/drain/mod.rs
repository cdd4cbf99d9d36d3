//! A closed workload: a backlog is loaded, then a pool drains it as fast as it can.

pub mod efficiency;
pub mod foreign_writer;
pub mod overhead;
pub mod pipeline;
pub mod processes;

use std::time::Duration;

use hdrhistogram::Histogram;
use prismq_record as record;

use crate::base::error::Result;
use crate::base::histogram::{add, empty};
use crate::base::number::{as_f64, percent};
use crate::load::pool::{Pool, Worked, pool};
pub use crate::load::tasks::ENQUEUE_BATCH;
use crate::load::tasks::{fill, sized};
use crate::observe::audit::Audit;
use crate::observe::sampler::{self, Sample};
use crate::observe::timeline::{Marks, intervals, phase};
use crate::observe::written::Written;
use crate::scenario::stage::Stage;
use crate::subject::{
    Census, Counters, DEFAULT_QUEUE, PoolReport, Run, Subject, Work, server_time,
};

/// How long intervals are: a drain takes as long as it takes.
pub(super) const EVERY: Duration = Duration::from_millis(100);

pub(super) const TASK_TYPE: &str = "drain";

/// A backlog and who drains it.
#[derive(Debug, Clone)]
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

/// A backlog that was drained.
#[derive(Debug, Clone)]
pub struct DrainRound {
    /// Tasks of the backlog.
    pub tasks: u64,
    /// Loading the backlog, in batches of [`ENQUEUE_BATCH`].
    pub loading: Duration,
    /// From the start of the pool to the last commit.
    pub draining: Duration,
    /// The processor time of the process meanwhile.
    pub processor: Duration,
    /// How long handlers took, in nanoseconds.
    pub service: Histogram<u64>,
    /// Every run of a handler.
    pub runs: Vec<Run>,
    /// Whether every task was done once.
    pub audit: Audit,
    /// What the subject counted while draining.
    pub counted: Counters,
    /// What the process wrote meanwhile, where the system counts it and nothing else was written.
    pub written: Option<Written>,
    /// The processor time of the queue's server meanwhile, if the run has started one.
    pub server: Option<Duration>,
    /// The pool's own report.
    pub pool: PoolReport,
    /// The drain over time.
    pub course: record::Round,
    /// Reasons why the figures are invalid.
    pub faults: Vec<String>,
}

/// What one round says about its number of workers.
#[derive(Debug, Clone)]
pub struct LevelRound {
    /// Whether everything was done without an error.
    pub clean: bool,
    /// Whether each worker did something.
    pub all_worked: bool,
    /// Reasons why its figures are invalid.
    pub faults: Vec<String>,
}

impl DrainRound {
    /// What it says about this many workers.
    #[must_use]
    pub fn level(&self, workers: usize) -> LevelRound {
        let per_worker = &self.pool.per_worker;
        LevelRound {
            clean: self.faults.is_empty() && self.errors() == 0,
            all_worked: per_worker.len() == workers && per_worker.iter().all(|tasks| *tasks > 0),
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
        percent(self.counted.claim_conflicts, self.audit.completed + self.counted.claim_conflicts)
    }

    /// Errors of any kind.
    #[must_use]
    pub fn errors(&self) -> u64 {
        let errors = u64::try_from(self.pool.errors.len()).unwrap_or(u64::MAX);
        errors.saturating_add(self.counted.busy_errors)
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
            add(&mut service, run.ended.since(run.started));
        }
        let course = record::Round {
            seconds: draining.as_secs_f64(),
            counters: worked.counters(),
            intervals: intervals(started, (started, ended), EVERY, marks, samples)?,
            phases: vec![phase("drain", started, started, ended)],
            per_worker: worked.pool.per_worker.clone(),
            ..record::Round::default()
        };
        Ok(Self {
            tasks: worked.audit.enqueued,
            loading,
            draining,
            processor: worked.processor,
            service,
            runs: worked.runs,
            audit: worked.audit,
            counted: worked.counted,
            written: None,
            server: None,
            pool: worked.pool,
            course,
            faults: worked.faults,
        })
    }
}

/// Loads and drains a backlog in a new database.
///
/// # Errors
/// If the subject fails before there is anything to measure.
pub fn drain(stage: &Stage, load: &Drain) -> Result<DrainRound> {
    let database = stage.database(load.workers)?;
    let mut drained = run(database.subject(), load)?;
    drained.faults.extend(database.recount(&[DEFAULT_QUEUE], Census::default())?);
    Ok(drained)
}

/// The same on a subject that is open and empty.
///
/// # Errors
/// If the subject fails before there is anything to measure.
pub fn run(subject: &dyn Subject, load: &Drain) -> Result<DrainRound> {
    let backlog = sized(TASK_TYPE, load.tasks, load.payload_bytes);
    let enqueued = fill(subject, &backlog, ENQUEUE_BATCH)?;
    let (before, server_before) = (Written::by_this_process(), server_time());
    let (worked, samples) = sampler::during(subject, EVERY, || {
        let pool = pool(load.workers, TASK_TYPE, load.work.clone());
        Pool::start(subject, &pool, load.tasks)?.finish(&enqueued.ids())
    })?;
    // On a server, it is not this process that writes.
    let written = subject.file().and_then(|_| Written::since(before));
    let server =
        server_time().zip(server_before).map(|(after, before)| after.saturating_sub(before));
    let completions = worked.completions.iter().map(|entry| entry.at);
    let marks = Marks::completions(worked.audit.enqueued, completions);
    let drained = DrainRound::of(worked, enqueued.took(), &marks, &samples)?;
    Ok(DrainRound { written, server, ..drained })
}

/// Whether this many workers did everything without an error, each of them busy in most rounds: in a short
/// round, one of many threads may start too late.
#[must_use]
pub fn sustains(rounds: &[LevelRound]) -> bool {
    let all_worked = rounds.iter().filter(|round| round.all_worked).count();
    rounds.iter().all(|round| round.clean) && 2 * all_worked >= rounds.len()
}
