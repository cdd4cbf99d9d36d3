//! Does a planned workload to an engine and follows every single task of it: when it was meant to
//! come, when it was enqueued, run and completed, and whether it ended as it was planned to.

pub mod fairness;

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

use crossbeam::queue::SegQueue;
use hdrhistogram::Histogram;

use crate::base::error::{Error, Result};
use crate::base::histogram::{add, empty};
use crate::base::number::as_f64;
use crate::load::plan::{PlannedTask, Schedule, Settings};
use crate::load::tasks::number_of;
use crate::observe::audit::Audit;
use crate::observe::ledger::{Entry, Ledger, ids_that};
use crate::scenario::drain::{BOUND, LEASE, STOP_BOUND};
use crate::scenario::stage::Stage;
use crate::subject::{Census, Crew, Ending, Engine, Handler, RunningCrew, TaskSpec, lasting};

/// One task as it was seen.
#[derive(Debug, Clone, Copy)]
pub struct Lived {
    /// What was planned.
    pub planned: PlannedTask,
    /// When it was meant to be enqueued; in a closed workload, when it was.
    pub intended: Instant,
    /// When enqueue was called.
    pub called: Instant,
    /// When the caller knew that it was committed.
    pub committed: Instant,
    /// When its first handler began.
    pub started: Option<Instant>,
    /// When its completion was known to be committed.
    pub completed: Option<Instant>,
}

/// What a planned workload came to.
#[derive(Debug, Clone)]
pub struct Done {
    /// All tasks, in the order of their plan.
    pub tasks: Vec<Lived>,
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
    /// Which share of the planned rate the callers offered, in an open workload.
    pub offered: Option<f64>,
    /// What did not happen as it was planned, so that the figures must not be used.
    pub faults: Vec<String>,
}

/// The distributions of a workload's times, by their names in the record.
pub type Distributions = Vec<(&'static str, Histogram<u64>)>;

/// Does all of a schedule in a new database.
///
/// # Errors
/// If the engine fails to do what no figure can be had without.
pub fn perform(stage: &Stage, settings: &Settings, schedule: &Schedule) -> Result<Done> {
    let database =
        stage.with_durability(settings.durability).database(settings.workers + settings.callers)?;
    let engine = database.engine();
    let tasks: Arc<[PlannedTask]> = schedule.tasks.as_slice().into();
    let ledger = Ledger::expecting(tasks.len());
    let starts = Arc::new(SegQueue::new());
    let crews = crews(schedule, settings, &ledger, &handler(&tasks, &starts));
    let mut running: Vec<Box<dyn RunningCrew>> = Vec::with_capacity(crews.len());
    for (queue, crew) in &crews {
        engine.set_order(queue, settings.order).map_err(Error::engine("set the order"))?;
        let pool = engine.start_on(queue, crew.clone());
        running.push(pool.map_err(Error::engine("start a pool"))?);
    }
    let before = engine.counters();
    let began = Instant::now();
    let arrivals = enqueue_all(engine, schedule, settings.callers)?;
    let workers = u32::try_from(settings.workers).unwrap_or(u32::MAX);
    let bound = BOUND.saturating_add(schedule.service() / workers.max(1));
    let in_time = ledger.wait(bound);
    let stopped: Vec<_> = running.into_iter().map(|pool| pool.stop(STOP_BOUND)).collect();

    let entries = ledger.entries();
    let runs: Vec<Run> = std::iter::from_fn(|| starts.pop()).collect();
    let lived = lived(&tasks, &arrivals, &entries, &runs);
    let mut faults: Vec<String> = stopped.into_iter().flat_map(|crew| crew.errors).collect();
    if !in_time {
        faults.push(format!("the tasks were not done within {bound:?} of the last arrival"));
    }
    let (mut dead, mut left) = (0, Census::default());
    for (queue, _) in &crews {
        let census = engine.census_of(queue).map_err(Error::engine("count its tasks"))?;
        dead += census.dead;
        left = left.and(census);
        if (Census { dead: 0, ..census }) != Census::default() {
            faults.push(format!("tasks were left in the queue {queue}: {census:?}"));
        }
    }
    let mut to_complete = Vec::with_capacity(arrivals.len());
    let mut to_die = Vec::new();
    for (arrival, task) in arrivals.iter().zip(&*tasks) {
        if task.dies() { to_die.push(arrival.id) } else { to_complete.push(arrival.id) }
    }
    let audit = Audit::balance(&to_complete, &ids_that(&entries, Ending::Completed), &[]);
    faults.extend(audit.faults());
    faults.extend(died_otherwise(&to_die, &ids_that(&entries, Ending::Dead)));
    faults.extend(run_otherwise(&tasks, &runs));
    let busy_errors = engine.counters().since(before).busy_errors;
    let queues: Vec<&str> = crews.iter().map(|(queue, _)| *queue).collect();
    faults.extend(database.recount(&queues, left)?);
    Ok(Done {
        took: entries.iter().map(|entry| entry.at).max().unwrap_or(began).duration_since(began),
        offered: offered(&lived).filter(|_| schedule.open),
        tasks: lived,
        audit,
        retried: size(ids_that(&entries, Ending::Retried).len()),
        dead,
        busy_errors,
        faults,
    })
}

impl Done {
    /// Tasks completed in a second.
    #[must_use]
    pub fn tasks_per_s(&self) -> f64 {
        as_f64(self.audit.completed) / self.took.as_secs_f64()
    }

    /// The distributions of the tasks' times, in nanoseconds.
    ///
    /// # Errors
    /// [`Error::Histogram`] if there can be none.
    pub fn distributions(&self) -> Result<Distributions> {
        let mut publish = empty("publish")?;
        let mut wait = empty("wait")?;
        let mut end_to_end = empty("end_to_end")?;
        let mut uncorrected = empty("end_to_end_uncorrected")?;
        let mut schedule_lag = empty("schedule_lag")?;
        for task in &self.tasks {
            add(&mut publish, task.committed.saturating_duration_since(task.called));
            add(&mut schedule_lag, task.called.saturating_duration_since(task.intended));
            if let Some(time) = task.wait() {
                add(&mut wait, time);
            }
            if let Some(completed) = task.completed {
                add(&mut end_to_end, completed.saturating_duration_since(task.intended));
                add(&mut uncorrected, completed.saturating_duration_since(task.called));
            }
        }
        Ok(vec![
            ("publish", publish),
            ("wait", wait),
            ("end_to_end", end_to_end),
            ("end_to_end_uncorrected", uncorrected),
            ("schedule_lag", schedule_lag),
        ])
    }
}

impl Lived {
    /// From the known commit to the first handler; nothing where the handler was faster.
    #[must_use]
    pub fn wait(&self) -> Option<Duration> {
        Some(self.started?.saturating_duration_since(self.committed))
    }
}

/// A task as its caller saw it.
struct Arrival {
    number: usize,
    id: i64,
    intended: Instant,
    called: Instant,
    committed: Instant,
}

/// A handler that began.
struct Run {
    number: usize,
    started: Instant,
}

/// Does for each task what its plan says: takes its time, then fails as often as it is meant to.
fn handler(tasks: &Arc<[PlannedTask]>, starts: &Arc<SegQueue<Run>>) -> Handler {
    let (tasks, starts) = (tasks.clone(), starts.clone());
    Arc::new(move |attempt| {
        let started = Instant::now();
        let number = number_of(attempt.payload).and_then(|number| usize::try_from(number).ok());
        let task = number.and_then(|number| Some((number, tasks.get(number)?)));
        let (number, task) = task.ok_or("the payload is not the one enqueued")?;
        starts.push(Run { number, started });
        if !task.service.is_zero() {
            thread::sleep(task.service);
        }
        if attempt.number <= task.failures {
            return Err(format!("attempt {} fails as planned", attempt.number));
        }
        Ok(())
    })
}

/// A pool for each queue, in the order of their names.
fn crews(
    schedule: &Schedule,
    settings: &Settings,
    ledger: &Arc<Ledger>,
    handler: &Handler,
) -> Vec<(&'static str, Crew)> {
    let mut types: BTreeMap<&str, Vec<(&'static str, Handler)>> = BTreeMap::new();
    for kind in &schedule.kinds {
        let handler = (lasting(&kind.task_type), handler.clone());
        types.entry(&kind.queue).or_default().push(handler);
    }
    let longest = schedule.tasks.iter().map(|task| task.service).max().unwrap_or_default();
    let lease = LEASE.max(longest.saturating_mul(2));
    let crew =
        |handlers| Crew { workers: settings.workers, lease, handlers, listener: ledger.listener() };
    types.into_iter().map(|(queue, handlers)| (lasting(queue), crew(handlers))).collect()
}

/// Enqueues all tasks, each caller every so-manyth; gives back the arrivals in the order of the plan.
fn enqueue_all(engine: &dyn Engine, schedule: &Schedule, callers: usize) -> Result<Vec<Arrival>> {
    let kinds: Vec<(&'static str, &'static str)> = schedule
        .kinds
        .iter()
        .map(|kind| (lasting(&kind.queue), lasting(&kind.task_type)))
        .collect();
    let first = Instant::now();
    let answers = thread::scope(|scope| {
        let callers: Vec<_> = (0..callers)
            .map(|caller| {
                let share = schedule.tasks.iter().enumerate().skip(caller).step_by(callers);
                let kinds = &kinds;
                scope.spawn(move || {
                    share
                        .map(|(number, task)| {
                            let spec = spec(number, task, kinds)?;
                            let intended = schedule.open.then(|| first + task.at);
                            arrive(engine, number, &spec, intended)
                        })
                        .collect::<Result<Vec<_>>>()
                })
            })
            .collect();
        callers.into_iter().map(thread::ScopedJoinHandle::join).collect::<Vec<_>>()
    });
    let mut arrivals = Vec::with_capacity(schedule.tasks.len());
    for answer in answers {
        arrivals.extend(answer.map_err(|_| Error::Panicked { what: "a caller" })??);
    }
    arrivals.sort_unstable_by_key(|arrival| arrival.number);
    Ok(arrivals)
}

/// The first 8 bytes of a payload are the task's number, so that none is shorter.
fn spec(
    number: usize,
    task: &PlannedTask,
    kinds: &[(&'static str, &'static str)],
) -> Result<TaskSpec> {
    let kind = kinds.get(task.kind).copied();
    let (queue, task_type) =
        kind.ok_or_else(|| Error::Unfit { reason: format!("task {number} is of no kind") })?;
    let mut payload = u64::try_from(number).unwrap_or(u64::MAX).to_le_bytes().to_vec();
    payload.resize(task.payload_bytes.max(payload.len()), 0x5a);
    let (priority, max_attempts) = (task.priority, task.max_attempts);
    Ok(TaskSpec { queue, priority, task_type, payload, max_attempts })
}

/// A call that returns late delays its caller's next ones but not their intended times.
fn arrive(
    engine: &dyn Engine,
    number: usize,
    spec: &TaskSpec,
    intended: Option<Instant>,
) -> Result<Arrival> {
    if let Some(intended) = intended {
        thread::sleep(intended.saturating_duration_since(Instant::now()));
    }
    let called = Instant::now();
    let id = engine.enqueue(spec).map_err(Error::engine("enqueue"))?;
    let committed = Instant::now();
    Ok(Arrival { number, id, intended: intended.unwrap_or(called), called, committed })
}

fn lived(
    tasks: &[PlannedTask],
    arrivals: &[Arrival],
    entries: &[Entry],
    runs: &[Run],
) -> Vec<Lived> {
    let completed: HashMap<i64, Instant> = entries
        .iter()
        .filter(|entry| entry.settled.ending == Ending::Completed)
        .map(|entry| (entry.settled.id, entry.at))
        .collect();
    let mut started: HashMap<usize, Instant> = HashMap::with_capacity(tasks.len());
    for run in runs {
        let first = started.entry(run.number).or_insert(run.started);
        *first = run.started.min(*first);
    }
    tasks
        .iter()
        .zip(arrivals)
        .map(|(planned, arrival)| Lived {
            planned: *planned,
            intended: arrival.intended,
            called: arrival.called,
            committed: arrival.committed,
            started: started.get(&arrival.number).copied(),
            completed: completed.get(&arrival.id).copied(),
        })
        .collect()
}

fn died_otherwise(meant: &[i64], dead: &[i64]) -> Option<String> {
    let (mut meant, mut dead) = (meant.to_vec(), dead.to_vec());
    meant.sort_unstable();
    dead.sort_unstable();
    (meant != dead)
        .then(|| format!("{} tasks were planned to die, {} did", meant.len(), dead.len()))
}

/// Each task is run once for every attempt that is planned.
fn run_otherwise(tasks: &[PlannedTask], runs: &[Run]) -> Option<String> {
    let planned: u64 = tasks
        .iter()
        .map(|task| u64::from(task.failures.saturating_add(1).min(task.max_attempts)))
        .sum();
    let found = size(runs.len());
    (planned != found).then(|| format!("{planned} runs of handlers were planned, {found} happened"))
}

/// Which share of the planned rate the callers offered.
fn offered(lived: &[Lived]) -> Option<f64> {
    let (first, last) = (lived.first()?, lived.last()?);
    let planned = last.intended.saturating_duration_since(first.intended).as_secs_f64();
    let took = last.called.saturating_duration_since(first.intended).as_secs_f64();
    (planned > 0.0).then(|| planned / took)
}

fn size(count: usize) -> u64 {
    u64::try_from(count).unwrap_or(u64::MAX)
}
