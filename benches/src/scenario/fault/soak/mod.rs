//! A load that does not end for a long time, while one thing after another happens beside it: nothing,
//! a reader that does not let go, a second process, processes that die. Is every task done once, and do
//! memory and files stay as large as they are?

mod books;
mod course;
mod phases;
mod watch;

pub use phases::{Death, PHASES, Phase};
pub use watch::Sample;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use prismq_record as record;

use crate::base::error::{Error, Result};
use crate::load::tasks::numbered;
use crate::observe::audit::Audit;
use crate::process::DRAINED_TYPE;
use crate::scenario::drain::{BOUND, LEASE, STOP_BOUND};
use crate::scenario::stage::Stage;
use crate::subject::{Census, Crew, Engine};
use books::{Arrival, Books, arrivals_of_one};

/// How often it is looked whether anything is left at the end.
const INTERVAL: Duration = Duration::from_millis(5);

/// A load and how long it lasts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Soak {
    /// How long; each phase has an equal part.
    pub length: Duration,
    /// Time from one task to the next.
    pub gap: Duration,
    /// Threads that enqueue, each every so-manyth task.
    pub callers: u32,
    /// Threads of the pool.
    pub workers: usize,
    /// How often memory and files are looked at.
    pub interval: Duration,
    /// How long a process that dies held its tasks for.
    pub held_lease: Duration,
    /// From one such death to the next.
    pub kill_every: Duration,
}

/// What came of it.
#[derive(Debug, Clone)]
pub struct Soaked {
    /// Whether every task was done once.
    pub audit: Audit,
    /// The processes that died.
    pub deaths: Vec<Death>,
    /// What was seen of memory and files.
    pub samples: Vec<Sample>,
    /// What happened when, for the record.
    pub course: record::Round,
    /// From the intended enqueue to the committed completion, of what this process completed.
    pub end_to_end: hdrhistogram::Histogram<u64>,
    /// How late enqueue was called.
    pub schedule_lag: hdrhistogram::Histogram<u64>,
    /// Operations answered busy.
    pub busy_errors: u64,
    /// Why the figures must not be used, if they must not.
    pub faults: Vec<String>,
}

/// Runs a soak in a new database.
///
/// # Errors
/// If the engine or a second process fails to do what no figure can be had without.
pub fn soak(stage: &Stage, load: Soak) -> Result<Soaked> {
    let callers = usize::try_from(load.callers).unwrap_or(1);
    let database = stage.database(load.workers + callers)?;
    let engine = database.engine();
    let books = Books::of(load);
    let crew = Crew {
        workers: load.workers,
        lease: LEASE,
        handlers: vec![(DRAINED_TYPE, Arc::new(|_| Ok(())))],
        listener: books.listener(),
    };
    let rooms: Vec<_> = (0..load.callers).map(|_| arrivals_of_one(load)).collect();
    let running = engine.start(crew).map_err(Error::engine("start a pool"))?;
    let before = engine.counters();
    let began = Instant::now();
    let stop = AtomicBool::new(false);
    let (phases, samples, arrivals) = thread::scope(|scope| {
        let watch = scope.spawn(|| watch::watch(&database, began, load.interval, &stop));
        let callers: Vec<_> = rooms
            .into_iter()
            .zip(0..)
            .map(|(room, caller)| {
                scope.spawn({
                    let stop = &stop;
                    move || call(engine, began, load, caller, room, stop)
                })
            })
            .collect();
        let phases = phases::run(stage, &database, began, load);
        stop.store(true, Ordering::Relaxed);
        let arrivals: Result<Vec<Vec<Arrival>>> = callers
            .into_iter()
            .map(|caller| caller.join().map_err(|_| Error::Panicked { what: "a caller" })?)
            .collect();
        let samples = watch.join().map_err(|_| Error::Panicked { what: "the watch" })?;
        Ok::<_, Error>((phases?, samples?, arrivals?.concat()))
    })?;
    let left = drained(engine)?;
    let crew = running.stop(STOP_BOUND);

    let completions = books.completions();
    let mut enqueued: Vec<i64> = arrivals.iter().map(|arrival| arrival.id).collect();
    enqueued.extend(phases.deaths.iter().flat_map(|death| death.held.iter()));
    let mut completed: Vec<i64> = completions.iter().map(|completion| completion.id).collect();
    completed.extend(&phases.completed_elsewhere);
    completed.extend(phases.deaths.iter().flat_map(|death| death.recovered.iter()));
    let audit = Audit::balance(&enqueued, &completed, &[]);
    let mut faults = audit.faults();
    faults.extend(crew.errors);
    faults.extend(phases.faults);
    if left != Census::default() {
        faults.push(format!("tasks were left after {BOUND:?}: {left:?}"));
    }
    let met = engine.counters().since(before);
    let busy_errors = met.busy_errors + phases.busy_errors;
    let times = course::Times { began, arrivals: &arrivals, completions: &completions };
    let distributions = times.distributions()?;
    Ok(Soaked {
        course: times.course(&samples, phases.phases, &audit, met)?,
        end_to_end: distributions.0,
        schedule_lag: distributions.1,
        audit,
        deaths: phases.deaths,
        samples,
        busy_errors,
        faults,
    })
}

/// Enqueues at the intended times until it is told to stop.
fn call(
    engine: &dyn Engine,
    began: Instant,
    load: Soak,
    caller: u32,
    mut arrivals: Vec<Arrival>,
    stop: &AtomicBool,
) -> Result<Vec<Arrival>> {
    let task = numbered(DRAINED_TYPE, 1).pop();
    let task = task.ok_or_else(|| Error::Unfit { reason: "there is no task".to_owned() })?;
    let mut intended = began + load.gap * caller;
    while !stop.load(Ordering::Relaxed) {
        thread::sleep(intended.saturating_duration_since(Instant::now()));
        let called = Instant::now();
        let id = engine.enqueue(&task).map_err(Error::engine("enqueue"))?;
        arrivals.push(Arrival { id, intended, called, committed: Instant::now() });
        intended += load.gap * load.callers;
    }
    Ok(arrivals)
}

/// Waits until nothing is left, or no longer.
fn drained(engine: &dyn Engine) -> Result<Census> {
    let started = Instant::now();
    loop {
        let census = engine.census().map_err(Error::engine("count its tasks"))?;
        if census == Census::default() || started.elapsed() > BOUND {
            return Ok(census);
        }
        thread::sleep(INTERVAL);
    }
}
