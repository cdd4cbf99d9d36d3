//! Offers a planned workload to a subject and follows every single task of it: when it was meant to come, when
//! it was enqueued, run and completed, and whether it ended as planned.

pub mod fairness;
mod round;
mod tasks;

use std::collections::BTreeMap;
use std::sync::mpsc::channel;
use std::thread::{self, ScopedJoinHandle};
use std::time::Duration;

use crate::base::clock::now;
use crate::base::error::{Error, Result};
use crate::base::number::as_f64;
use crate::load::plan::{PlannedTask, Schedule, Settings};
use crate::load::pool::{BOUND, LEASE, STOP_BOUND};
use crate::observe::audit::Audit;
use crate::observe::ledger::{Ledger, ids_that};
use crate::observe::task_times::{Latencies, TaskTrace, traces};
use crate::scenario::fault::snapshot::{Snapshot, keep};
use crate::scenario::stage::Stage;
use crate::subject::{
    Census, Ending, Fail, Handler, Load, Pace, PoolSpec, Recording, RunningPool, Subject, Work,
    intern,
};
use tasks::PlannedTasks;

/// One task: what was planned and what happened.
#[derive(Debug, Clone, Copy)]
pub struct Followed {
    /// What was planned.
    pub planned: PlannedTask,
    /// What happened.
    pub trace: TaskTrace,
}

/// A planned workload that was done.
#[derive(Debug, Clone)]
pub struct Done {
    /// All tasks, in the order of their plan.
    pub tasks: Vec<Followed>,
    /// The distributions of their times.
    pub latencies: Latencies,
    /// From the first intended arrival to the last commit.
    pub took: Duration,
    /// Tasks meant to complete, and whether each did once.
    pub audit: Audit,
    /// Attempts that failed and were followed by another.
    pub retried: u64,
    /// Dead letters.
    pub dead: u64,
    /// Operations answered busy.
    pub busy_errors: u64,
    /// Which share of the planned rate was offered, in an open workload.
    pub offered: Option<f64>,
    /// What did not happen as planned: the figures are then invalid.
    pub faults: Vec<String>,
    /// What its queues hold at its end.
    left: Census,
}

/// Does all of a schedule in a new database.
///
/// # Errors
/// If the subject fails before there is anything to measure.
pub fn perform(stage: &Stage, settings: &Settings, schedule: &Schedule) -> Result<Done> {
    let database =
        stage.with_durability(settings.durability).database(settings.workers + settings.callers)?;
    let snapshot = || Snapshot::of(&database);
    let mut done = thread::scope(|scope| {
        let (running, load) = channel();
        let began = now();
        let reader = settings.reader.as_ref();
        let reader = reader.map(|part| scope.spawn(move || keep(snapshot, began, part, &load)));
        let done = run(database.subject(), settings, schedule);
        drop(running);
        let done = done?;
        let read = reader.map_or(Ok(Ok(())), ScopedJoinHandle::join);
        read.map_err(|_| Error::Panicked { what: "the reader" })??;
        Ok::<_, Error>(done)
    })?;
    let queues: Vec<&str> = pools(schedule, settings).iter().map(|pool| pool.queue).collect();
    done.faults.extend(database.recount(&queues, done.left)?);
    Ok(done)
}

/// The same on a subject that is open and empty.
///
/// # Errors
/// If the subject fails before there is anything to measure.
pub fn run(subject: &dyn Subject, settings: &Settings, schedule: &Schedule) -> Result<Done> {
    let ledger = Ledger::expecting(schedule.tasks.len());
    let pools = pools(schedule, settings);
    let mut running: Vec<Box<dyn RunningPool>> = Vec::with_capacity(pools.len());
    for pool in &pools {
        subject.set_order(pool.queue, settings.order)?;
        running.push(subject.start(pool, ledger.clone())?);
    }
    let before = subject.counters();
    let offsets: Vec<Duration> = schedule.tasks.iter().map(|task| task.at).collect();
    let offered = subject.enqueue(&Load {
        tasks: &PlannedTasks::of(schedule),
        pace: if schedule.open { Pace::Scheduled(&offsets) } else { Pace::UNPACED },
        callers: settings.callers,
        batch: 1,
        stop: None,
    })?;
    let workers = u32::try_from(settings.workers).unwrap_or(u32::MAX);
    let bound = BOUND.saturating_add(schedule.service() / workers.max(1));
    let in_time = ledger.wait(bound);
    let stopped: Vec<_> = running.into_iter().map(|pool| pool.stop(STOP_BOUND)).collect();

    let (entries, runs) = (ledger.entries(), ledger.take_runs());
    let traces = traces(&offered.arrivals, &runs, &entries);
    let latencies = Latencies::of(&traces)?;
    let mut faults: Vec<String> = stopped.into_iter().flat_map(|pool| pool.errors).collect();
    if !in_time {
        faults.push(format!("the tasks were not done within {bound:?} of the last arrival"));
    }
    let left = left(subject, &pools, &mut faults)?;
    let mut to_complete = Vec::with_capacity(schedule.tasks.len());
    let mut to_die = Vec::new();
    for (arrival, task) in offered.arrivals.iter().zip(&schedule.tasks) {
        if task.dies() { to_die.push(arrival.id) } else { to_complete.push(arrival.id) }
    }
    let audit = Audit::balance(&to_complete, &ids_that(&entries, Ending::Completed), &[]);
    faults.extend(audit.faults());
    faults.extend(unexpected_dead(&to_die, &ids_that(&entries, Ending::Dead)));
    faults.extend(unexpected_runs(&schedule.tasks, runs.len()));
    faults.extend(latencies.imbalance());
    let began = offered.began;
    Ok(Done {
        took: entries.iter().map(|entry| entry.at).max().unwrap_or(began).since(began),
        offered: schedule.open.then(|| offered.achieved()),
        tasks: schedule
            .tasks
            .iter()
            .zip(traces)
            .map(|(planned, trace)| Followed { planned: *planned, trace })
            .collect(),
        latencies,
        audit,
        retried: size(ids_that(&entries, Ending::Retried).len()),
        dead: left.dead,
        busy_errors: subject.counters().since(before).busy_errors,
        faults,
        left,
    })
}

impl Done {
    /// Tasks completed in a second.
    #[must_use]
    pub fn tasks_per_s(&self) -> f64 {
        as_f64(self.audit.completed) / self.took.as_secs_f64()
    }
}

/// A pool for each queue, in the order of their names. Its handlers take the time that is planned for each task,
/// then fail as often as it is planned to.
fn pools(schedule: &Schedule, settings: &Settings) -> Vec<PoolSpec> {
    let tasks = &schedule.tasks;
    let handler = Handler {
        work: Work::Sleep(tasks.iter().map(|task| task.service).collect()),
        fail: Fail::First(tasks.iter().map(|task| task.failures).collect()),
    };
    let mut types: BTreeMap<&str, Vec<(&'static str, Handler)>> = BTreeMap::new();
    for kind in &schedule.kinds {
        let handler = (intern(&kind.task_type), handler.clone());
        types.entry(&kind.queue).or_default().push(handler);
    }
    let longest = tasks.iter().map(|task| task.service).max().unwrap_or_default();
    let pool = |(queue, handlers): (&str, _)| PoolSpec {
        queue: intern(queue),
        workers: settings.workers,
        lease: LEASE.max(longest.saturating_mul(2)),
        handlers,
        recording: Recording::Runs,
    };
    types.into_iter().map(pool).collect()
}

/// What is left in all queues; dead letters alone are not a fault.
fn left(subject: &dyn Subject, pools: &[PoolSpec], faults: &mut Vec<String>) -> Result<Census> {
    let mut left = Census::default();
    for pool in pools {
        let census = subject.census(pool.queue)?;
        left = left.and(census);
        if (Census { dead: 0, ..census }) != Census::default() {
            faults.push(format!("tasks were left in the queue {}: {census:?}", pool.queue));
        }
    }
    Ok(left)
}

fn unexpected_dead(planned: &[i64], dead: &[i64]) -> Option<String> {
    let (mut planned, mut dead) = (planned.to_vec(), dead.to_vec());
    planned.sort_unstable();
    dead.sort_unstable();
    (planned != dead)
        .then(|| format!("{} tasks were planned to die, {} did", planned.len(), dead.len()))
}

/// Each task is run once for every attempt that is planned.
fn unexpected_runs(tasks: &[PlannedTask], runs: usize) -> Option<String> {
    let planned: u64 = tasks
        .iter()
        .map(|task| u64::from(task.failures.saturating_add(1).min(task.max_attempts)))
        .sum();
    let found = size(runs);
    (planned != found).then(|| format!("{planned} runs of handlers were planned, {found} happened"))
}

fn size(count: usize) -> u64 {
    u64::try_from(count).unwrap_or(u64::MAX)
}
