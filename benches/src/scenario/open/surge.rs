//! A backlog: tasks pile up while no pool runs, then a pool drains them while more arrive on a
//! schedule. How fast is it drained, and how long do those wait that arrive meanwhile?

use std::collections::HashSet;
use std::time::Duration;

use hdrhistogram::Histogram;
use prismq_record as record;

use crate::base::error::Result;
use crate::base::histogram::{add, empty};
use crate::base::number::as_f64;
use crate::load::arrivals::ArrivalProcess;
use crate::load::pool::{Pool, pool};
use crate::load::tasks::{ENQUEUE_BATCH, fill, numbered};
use crate::observe::audit::Audit;
use crate::observe::sampler;
use crate::observe::task_times::{Latencies, TaskTrace, traces};
use crate::observe::timeline::{Marks, intervals, phase};
use crate::scenario::stage::Stage;
use crate::subject::{Census, DEFAULT_QUEUE, Load, Pace, Subject, Work};

const TASK_TYPE: &str = "surge";

/// A backlog, who drains it and what arrives meanwhile.
#[derive(Debug, Clone)]
pub struct Surge {
    /// Tasks that pile up.
    pub backlog: usize,
    /// Threads of the pool.
    pub workers: usize,
    /// Threads that enqueue.
    pub generators: usize,
    /// Tasks that arrive from the start of the pool on.
    pub arriving: usize,
    /// Mean time from one to the next.
    pub interval: Duration,
    /// How they are distributed around it.
    pub arrivals: ArrivalProcess,
    /// What each does.
    pub work: Work,
}

/// A surge that was drained.
#[derive(Debug, Clone)]
pub struct SurgeRound {
    /// From the start of the pool until the last task of the backlog was completed.
    pub draining: Duration,
    /// Tasks completed in that time, whenever they had come.
    pub completed_meanwhile: u64,
    /// The distributions of the tasks that arrived in that time.
    pub latencies: Latencies,
    /// From end to end of those that arrived after it, in nanoseconds.
    pub afterwards: Histogram<u64>,
    /// Whether every task was done once.
    pub audit: Audit,
    /// Which share of the planned rate was offered.
    pub achieved: f64,
    /// The round over time.
    pub course: record::Round,
    /// Reasons why the figures are invalid.
    pub faults: Vec<String>,
}

impl SurgeRound {
    /// Tasks completed in a second while the backlog was drained.
    #[must_use]
    pub fn drained_per_s(&self) -> f64 {
        as_f64(self.completed_meanwhile) / self.draining.as_secs_f64()
    }
}

/// Lets a backlog pile up and subside in a new database.
///
/// # Errors
/// If the subject fails.
pub fn surge(stage: &Stage, load: &Surge) -> Result<SurgeRound> {
    let database = stage.database(load.workers + load.generators)?;
    let mut subsided = run(database.subject(), load)?;
    subsided.faults.extend(database.recount(&[DEFAULT_QUEUE], Census::default())?);
    Ok(subsided)
}

/// The same on anything that is open and empty.
///
/// # Errors
/// If the subject fails.
pub fn run(subject: &dyn Subject, load: &Surge) -> Result<SurgeRound> {
    let mut tasks = numbered(TASK_TYPE, load.backlog + load.arriving);
    let arriving = tasks.split_off(load.backlog);
    let piling = tasks;
    let offsets = load.arrivals.offsets(load.arriving, load.interval);
    let every = sampler::interval(offsets.last().copied().unwrap_or_default());
    let began = subject.clock().now();
    let ((built, offered, worked), samples) = sampler::during(subject, every, || {
        let built = fill(subject, &piling, ENQUEUE_BATCH)?;
        let pool = pool(load.workers, TASK_TYPE, load.work.clone());
        let pool = Pool::start(subject, &pool, load.backlog + load.arriving)?;
        let offered = subject.enqueue(&Load {
            tasks: &arriving,
            pace: Pace::Scheduled(&offsets),
            callers: load.generators,
            batch: 1,
            stop: None,
        })?;
        let worked = pool.finish(&[built.ids(), offered.ids()].concat())?;
        Ok((built, offered, worked))
    })?;

    let of_backlog: HashSet<i64> = built.ids().into_iter().collect();
    let backlog_done: Vec<_> = worked
        .completions
        .iter()
        .filter(|entry| of_backlog.contains(&entry.settled.id))
        .map(|entry| entry.at)
        .collect();
    let (origin, ended) = (worked.started, worked.ended);
    let drained = backlog_done.iter().max().copied().unwrap_or(ended);
    let traces = traces(&offered.arrivals, &worked.runs, &worked.completions);
    let turn = traces.partition_point(|trace| trace.arrival.intended <= drained);
    let (meanwhile, after) = traces.split_at(turn);
    let mut afterwards = empty("end_to_end_afterwards")?;
    after.iter().filter_map(TaskTrace::end_to_end).for_each(|time| add(&mut afterwards, time));

    let marks = Marks::of(&traces)
        .with_backlog(built.arrivals.iter().map(|arrival| arrival.committed), backlog_done);
    let course = record::Round {
        seconds: worked.took().as_secs_f64(),
        counters: worked.counters(),
        intervals: intervals(origin, (began, ended), every, &marks, &samples)?,
        phases: vec![
            phase("build", origin, began, origin),
            phase("drain", origin, origin, drained),
            phase("steady", origin, drained, ended),
        ],
        per_worker: worked.pool.per_worker,
        ..record::Round::default()
    };
    let completed = worked.completions.iter().filter(|entry| entry.at <= drained).count();
    let latencies = Latencies::of(meanwhile)?;
    let unbalanced = latencies.imbalance();
    Ok(SurgeRound {
        draining: drained.since(origin),
        completed_meanwhile: u64::try_from(completed).unwrap_or(u64::MAX),
        latencies,
        afterwards,
        audit: worked.audit,
        achieved: offered.achieved(),
        course,
        faults: worked.faults.into_iter().chain(unbalanced).collect(),
    })
}
