//! An open workload: tasks arrive on a schedule of their own whether or not the queue keeps up, and each
//! one's latency counts from when it was meant to be enqueued, so that a stall is charged to every
//! task it delayed.

pub mod saturation;
pub mod surge;

use std::time::Duration;

use prismq_record as record;

use crate::base::error::Result;
use crate::base::number::as_f64;
use crate::load::arrivals::ArrivalProcess;
use crate::load::pool::{Pool, pool};
use crate::load::tasks::numbered;
use crate::observe::audit::Audit;
use crate::observe::sampler;
use crate::observe::steadiness;
use crate::observe::task_times::{Latencies, TaskTrace, traces};
use crate::observe::timeline::{Marks, intervals, phase};
use crate::observe::validity;
use crate::scenario::stage::Stage;
use crate::subject::{Census, DEFAULT_QUEUE, Load, Pace, Subject, Work};

/// The type of its tasks.
pub(super) const TASK_TYPE: &str = "open_loop";

/// Tasks that arrive on a schedule.
#[derive(Debug, Clone)]
pub struct OpenLoop {
    /// Threads of the pool.
    pub workers: usize,
    /// Threads that enqueue.
    pub generators: usize,
    /// Tasks that are measured.
    pub tasks: usize,
    /// Tasks before these, which are not.
    pub warm_up: usize,
    /// How many more may be left out at the beginning until latencies are steady. As many fewer are then left
    /// out at the end, where the load goes on for as long, so that as many are measured in any case.
    pub settle: usize,
    /// Mean time from one to the next.
    pub interval: Duration,
    /// How they are distributed around it.
    pub arrivals: ArrivalProcess,
    /// What each does.
    pub work: Work,
}

/// An open load that was offered and worked off.
#[derive(Debug, Clone)]
pub struct OpenRound {
    /// The distributions of the measured tasks.
    pub latencies: Latencies,
    /// Whether every task was done once, those of the warm-up among them.
    pub audit: Audit,
    /// Which share of the planned rate was offered.
    pub achieved: f64,
    /// Tasks that were enqueued and not completed when the last had just arrived.
    pub left_at_last_arrival: f64,
    /// Median latency of the first and the last third, in seconds.
    pub thirds: Option<(f64, f64)>,
    /// Whether latencies were steady in what was measured; `None` of too few tasks, and of a load that is
    /// not given any to settle.
    pub steady: Option<bool>,
    /// The round over time.
    pub course: record::Round,
    /// Reasons why the figures are invalid.
    pub faults: Vec<String>,
}

/// Runs an open loop in a new database.
///
/// # Errors
/// If the subject fails before there is anything to measure.
pub fn open_loop(stage: &Stage, load: &OpenLoop) -> Result<OpenRound> {
    let database = stage.database(load.workers + load.generators)?;
    let mut offered = run(database.subject(), load)?;
    offered.faults.extend(database.recount(&[DEFAULT_QUEUE], Census::default())?);
    Ok(offered)
}

/// The same on anything that is open and empty.
///
/// # Errors
/// If the subject fails before there is anything to measure.
pub fn run(subject: &dyn Subject, load: &OpenLoop) -> Result<OpenRound> {
    let count = load.warm_up + load.settle + load.tasks;
    let tasks = numbered(TASK_TYPE, count);
    let offsets = load.arrivals.offsets(count, load.interval);
    let every = sampler::interval(offsets.last().copied().unwrap_or_default());
    let ((offered, worked), samples) = sampler::during(subject, every, || {
        let pool = pool(load.workers, TASK_TYPE, load.work.clone());
        let pool = Pool::start(subject, &pool, count)?;
        let offered = subject.enqueue(&Load {
            tasks: &tasks,
            pace: Pace::Scheduled(&offsets),
            callers: load.generators,
            batch: 1,
            stop: None,
        })?;
        let worked = pool.finish(&offered.ids())?;
        Ok((offered, worked))
    })?;

    let traces = traces(&offered.arrivals, &worked.runs, &worked.completions);
    let part = steadiness::steady_part(&traces, load.warm_up, load.settle, load.tasks);
    let measured = traces.get(part.from..part.from + load.tasks).unwrap_or_default();
    let origin = measured.first().map_or(offered.began, |trace| trace.arrival.intended);
    let latencies = Latencies::of(measured)?;
    let achieved = offered.achieved();
    let mut counters = worked.counters();
    counters.insert("begun_before_known".to_owned(), latencies.begun_before_known);
    let mut phases = vec![phase("steady", origin, origin, worked.ended)];
    if part.from > 0 {
        phases.insert(0, phase("warm_up", origin, offered.began, origin));
    }
    let span = (offered.began, worked.ended);
    let course = record::Round {
        seconds: worked.ended.since(origin).as_secs_f64(),
        warm_up_seconds: origin.since(offered.began).as_secs_f64(),
        counters,
        intervals: intervals(origin, span, every, &Marks::of(&traces), &samples)?,
        phases,
        per_worker: worked.pool.per_worker,
        ..record::Round::default()
    };
    let unbalanced = latencies.imbalance();
    Ok(OpenRound {
        latencies,
        audit: worked.audit,
        achieved,
        left_at_last_arrival: left_at_last_arrival(&traces),
        thirds: validity::thirds(measured),
        steady: part.steady.filter(|_| load.settle > 0),
        course,
        faults: worked.faults.into_iter().chain(unbalanced).collect(),
    })
}

fn left_at_last_arrival(traces: &[TaskTrace]) -> f64 {
    let Some(last) = traces.iter().map(|trace| trace.arrival.called).max() else { return 0.0 };
    let left = traces.iter().filter(|trace| trace.completed.is_none_or(|at| at > last)).count();
    as_f64(u64::try_from(left).unwrap_or(u64::MAX))
}
