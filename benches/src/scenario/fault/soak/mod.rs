//! A load that lasts, through phases: nothing else, a reader that keeps a snapshot, a second process, processes that
//! die. Is every task done once, and do
//! memory and files stay as large as they are?

mod course;
mod phases;
mod round;
mod watch;

pub use phases::{Death, PHASES, Phase};
pub use watch::Sample;

use std::borrow::Cow;
use std::ops::Range;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use prismq_record as record;

use crate::base::clock::now;
use crate::base::error::{Error, Result};
use crate::load::pool::{BOUND, STOP_BOUND, pool};
use crate::load::tasks::numbered;
use crate::observe::audit::Audit;
use crate::observe::ledger::{Ledger, ids_that};
use crate::observe::task_times::{Latencies, traces};
use crate::process::DRAINED_TYPE;
use crate::scenario::stage::Stage;
use crate::subject::{
    Census, DEFAULT_QUEUE, Ending, Load, Pace, PoolSpec, Recording, Subject, TaskSpec, Tasks, Work,
};

/// How often it is looked whether anything is left at the end.
const INTERVAL: Duration = Duration::from_millis(5);
/// How much longer than planned a load may last: this share, as a divisor, and at least so long.
const SPARE: u32 = 10;
/// See [`SPARE`].
const SPARE_MIN: Duration = Duration::from_secs(60);

/// A load and how long it lasts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Soak {
    /// How long; each phase has an equal part.
    pub length: Duration,
    /// Time from one task to the next.
    pub gap: Duration,
    /// Threads that enqueue.
    pub callers: usize,
    /// Threads of the pool.
    pub workers: usize,
    /// How often memory and files are looked at.
    pub interval: Duration,
    /// How long a process that dies held its tasks for.
    pub held_lease: Duration,
    /// From one such death to the next.
    pub kill_every: Duration,
}

/// The result of a soak.
#[derive(Debug, Clone)]
pub struct SoakRound {
    /// Whether every task was done once.
    pub audit: Audit,
    /// The processes that died.
    pub deaths: Vec<Death>,
    /// What was seen of memory and files.
    pub samples: Vec<Sample>,
    /// What happened when, for the record.
    pub course: record::Round,
    /// The distributions of the times of its tasks: end-to-end of those that this process completed.
    pub latencies: Latencies,
    /// Which share of the intended rate was offered.
    pub achieved: f64,
    /// Operations answered busy.
    pub busy_errors: u64,
    /// Reasons why the figures are invalid.
    pub faults: Vec<String>,
}

/// Equal tasks for as long as a soak lasts, and longer: its last phase may end late.
struct Endless {
    task: Vec<TaskSpec>,
    count: usize,
}

impl Endless {
    fn of(load: Soak) -> Self {
        let longest = load.length + load.length / SPARE + SPARE_MIN;
        let gap = load.gap.as_nanos().max(Duration::from_micros(1).as_nanos());
        let count = usize::try_from(longest.as_nanos() / gap).unwrap_or(usize::MAX / 2);
        Self { task: numbered(DRAINED_TYPE, 1), count }
    }
}

impl Tasks for Endless {
    fn count(&self) -> usize {
        self.count
    }

    fn get(&self, numbers: Range<usize>) -> Cow<'_, [TaskSpec]> {
        if numbers.start < self.count { Cow::Borrowed(&self.task) } else { Cow::default() }
    }
}

/// Runs a soak in a new database.
///
/// # Errors
/// If the subject or a second process fails before there is anything to measure.
pub fn soak(stage: &Stage, load: Soak) -> Result<SoakRound> {
    let database = stage.database(load.workers + load.callers)?;
    let subject = database.subject();
    let tasks = Endless::of(load);
    // The memory of all that is recorded is taken now: else it would be the harness that grows.
    let ledger = Ledger::without_runs(tasks.count());
    let pool = pool(load.workers, DRAINED_TYPE, Work::None);
    let pool = PoolSpec { recording: Recording::Settled, ..pool };
    let running = subject.start(&pool, ledger.clone())?;
    let (before, began) = (subject.counters(), now());
    let stop = AtomicBool::new(false);
    let (phases, samples, offered) = thread::scope(|scope| {
        let watch = scope.spawn(|| watch::watch(&database, began, load.interval, &stop));
        let callers = scope.spawn(|| {
            let (pace, callers) = (Pace::Every(load.gap), load.callers);
            subject.enqueue(&Load { tasks: &tasks, pace, callers, batch: 1, stop: Some(&stop) })
        });
        let phases = phases::run(stage, &database, began, load);
        let ended_early = callers.is_finished();
        stop.store(true, Ordering::Relaxed);
        let offered = callers.join().map_err(|_| Error::Panicked { what: "the callers" })?;
        let samples = watch.join().map_err(|_| Error::Panicked { what: "the watch" })?;
        let mut phases = phases?;
        if ended_early {
            phases.faults.push("the load ended before the last phase did".to_owned());
        }
        Ok::<_, Error>((phases, samples?, offered?))
    })?;
    let left = drained(subject)?;
    let pool = running.stop(STOP_BOUND);

    let entries = ledger.entries();
    let mut enqueued = offered.ids();
    enqueued.extend(phases.deaths.iter().flat_map(|death| death.held.iter()));
    let mut completed = ids_that(&entries, Ending::Completed);
    completed.extend(&phases.completed_elsewhere);
    completed.extend(phases.deaths.iter().flat_map(|death| death.recovered.iter()));
    let audit = Audit::balance(&enqueued, &completed, &[]);
    let mut faults = audit.faults();
    faults.extend(pool.errors);
    faults.extend(phases.faults);
    if left != Census::default() {
        faults.push(format!("tasks were left after {BOUND:?}: {left:?}"));
    }
    let counted = subject.counters().since(before);
    let traces = traces(&offered.arrivals, &[], &entries);
    Ok(SoakRound {
        course: course::course(began, &traces, &samples, phases.phases, (&audit, counted))?,
        latencies: Latencies::of(&traces)?,
        achieved: offered.achieved(),
        audit,
        deaths: phases.deaths,
        samples,
        busy_errors: counted.busy_errors + phases.busy_errors,
        faults,
    })
}

/// Waits until nothing is left, or no longer.
fn drained(subject: &dyn Subject) -> Result<Census> {
    let started = Instant::now();
    loop {
        let census = subject.census(DEFAULT_QUEUE)?;
        if census == Census::default() || started.elapsed() > BOUND {
            return Ok(census);
        }
        thread::sleep(INTERVAL);
    }
}
