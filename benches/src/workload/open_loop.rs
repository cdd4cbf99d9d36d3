//! An open workload: tasks arrive at a constant rate whether or not the queue keeps up, and each
//! one's latency counts from when it was meant to be enqueued, so that a stall is charged to every
//! task it delayed.

use std::collections::HashMap;
use std::thread;
use std::time::{Duration, Instant};

use hdrhistogram::Histogram;

use crate::accounting::Audit;
use crate::engine::{Census, Crew, Ending, Engine, TaskSpec};
use crate::error::{Error, Result};
use crate::ledger::{Ledger, ids_that};
use crate::metrics::as_f64;
use crate::stage::Stage;
use crate::workload::drain::{BOUND, STOP_BOUND};
use crate::workload::{handler, numbered};

const LEASE: Duration = Duration::from_secs(60);
const TASK_TYPE: &str = "open_loop";
/// Longest latency a histogram holds; longer ones count as this.
const LONGEST_NS: u64 = 600 * 1_000_000_000;
const SIGNIFICANT_DIGITS: u8 = 3;
/// A generator that offers less than this share of the rate has measured another load.
const OFFERED_MIN: f64 = 0.8;

/// Tasks at a constant rate.
#[derive(Debug, Clone, Copy)]
pub struct OpenLoop {
    /// Threads of the pool.
    pub workers: usize,
    /// Threads that enqueue, each every so-manyth task.
    pub generators: usize,
    /// Tasks to be enqueued.
    pub tasks: usize,
    /// Time from one to the next.
    pub interval: Duration,
}

/// What an open loop came to. All distributions are in nanoseconds.
#[derive(Debug, Clone)]
pub struct Latencies {
    /// From the intended enqueue to the committed completion.
    pub end_to_end: Histogram<u64>,
    /// Of the enqueue calls.
    pub enqueue: Histogram<u64>,
    /// How late the generator called enqueue.
    pub schedule_lag: Histogram<u64>,
    /// Whether every task was done once.
    pub audit: Audit,
    /// Why the figures must not be used, if they must not.
    pub faults: Vec<String>,
}

/// One task as the generator saw it.
struct Arrival {
    id: i64,
    intended: Instant,
    called: Instant,
    returned: Instant,
}

/// Runs an open loop in a new database.
///
/// # Errors
/// If the engine fails to do what no figure can be had without.
pub fn open_loop(stage: &Stage, load: OpenLoop) -> Result<Latencies> {
    let database = stage.database(load.workers + load.generators)?;
    let engine = database.engine();
    let ledger = Ledger::expecting(load.tasks);
    let crew = Crew {
        workers: load.workers,
        lease: LEASE,
        handlers: vec![(TASK_TYPE, handler(&ledger, |_| {}))],
        listener: ledger.listener(),
    };
    let tasks = numbered(TASK_TYPE, load.tasks);
    let running = engine.start(crew).map_err(Error::engine("start a pool"))?;
    let arrivals = generate(engine, &tasks, load)?;
    let in_time = ledger.wait(BOUND);
    let crew = running.stop(STOP_BOUND);

    let entries = ledger.entries();
    let enqueued: Vec<i64> = arrivals.iter().map(|arrival| arrival.id).collect();
    let audit =
        Audit::balance(&enqueued, &ids_that(&entries, Ending::Completed), &ledger.take_runs());
    let census = engine.census().map_err(Error::engine("count its tasks"))?;
    let mut faults = audit.faults();
    if !in_time {
        faults.push(format!("the tasks were not completed within {BOUND:?}"));
    }
    if census != Census::default() {
        faults.push(format!("tasks were left in the queue: {census:?}"));
    }
    faults.extend(crew.errors);
    faults.extend(off_schedule(&arrivals, load.interval));

    let completed: HashMap<i64, Instant> = entries
        .iter()
        .filter(|entry| entry.settled.ending == Ending::Completed)
        .map(|entry| (entry.settled.id, entry.at))
        .collect();
    let mut latencies = Latencies {
        end_to_end: empty("end_to_end")?,
        enqueue: empty("enqueue")?,
        schedule_lag: empty("schedule_lag")?,
        audit,
        faults,
    };
    for arrival in &arrivals {
        if let Some(at) = completed.get(&arrival.id) {
            add(&mut latencies.end_to_end, at.duration_since(arrival.intended));
        }
        add(&mut latencies.enqueue, arrival.returned.duration_since(arrival.called));
        add(&mut latencies.schedule_lag, arrival.called.duration_since(arrival.intended));
    }
    Ok(latencies)
}

/// Enqueues at the intended times, and gives back the arrivals in the order of these.
fn generate(engine: &dyn Engine, tasks: &[TaskSpec], load: OpenLoop) -> Result<Vec<Arrival>> {
    let first = Instant::now() + load.interval;
    let answers = thread::scope(|scope| {
        let generators: Vec<_> = (0..load.generators)
            .map(|index| {
                let share = tasks.iter().zip(0..).skip(index).step_by(load.generators);
                scope.spawn(move || {
                    share
                        .map(|(task, place)| arrive(engine, task, first + load.interval * place))
                        .collect::<Result<Vec<_>>>()
                })
            })
            .collect();
        generators.into_iter().map(thread::ScopedJoinHandle::join).collect::<Vec<_>>()
    });
    let mut arrivals = Vec::with_capacity(tasks.len());
    for answer in answers {
        arrivals.extend(answer.map_err(|_| Error::Panicked { what: "a generator" })??);
    }
    arrivals.sort_unstable_by_key(|arrival| arrival.intended);
    Ok(arrivals)
}

/// A call that returns late delays the calls after it but not their intended times.
fn arrive(engine: &dyn Engine, task: &TaskSpec, intended: Instant) -> Result<Arrival> {
    thread::sleep(intended.saturating_duration_since(Instant::now()));
    let called = Instant::now();
    let id = engine.enqueue(task).map_err(Error::engine("enqueue"))?;
    Ok(Arrival { id, intended, called, returned: Instant::now() })
}

/// Whether the generator offered another load than it was meant to.
fn off_schedule(arrivals: &[Arrival], interval: Duration) -> Option<String> {
    let (first, last) = (arrivals.first()?, arrivals.last()?);
    let took = last.called.duration_since(first.intended).as_secs_f64();
    let intervals = as_f64(u64::try_from(arrivals.len().saturating_sub(1)).unwrap_or(u64::MAX));
    let planned = interval.as_secs_f64() * intervals;
    (took > 0.0 && planned / took < OFFERED_MIN).then(|| {
        format!("the generator offered {:.0} % of the intended rate", 100.0 * planned / took)
    })
}

pub(super) fn empty(name: &'static str) -> Result<Histogram<u64>> {
    Histogram::new_with_bounds(1, LONGEST_NS, SIGNIFICANT_DIGITS)
        .map_err(|error| Error::Histogram { name, reason: error.to_string() })
}

pub(super) fn add(histogram: &mut Histogram<u64>, time: Duration) {
    histogram.saturating_record(u64::try_from(time.as_nanos()).unwrap_or(LONGEST_NS));
}
