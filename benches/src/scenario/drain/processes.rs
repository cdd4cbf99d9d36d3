//! Several processes drain one database, each with a pool of its own.

use std::thread;
use std::time::{Duration, Instant};

use crate::base::error::{Error, Result};
use crate::load::labour::{Labour, Span};
use crate::load::tasks::numbered;
use crate::observe::audit::Audit;
use crate::process::{DRAINED_TYPE, DrainOrder, Drainer, DrainerReport};
use crate::scenario::drain::{BOUND, ENQUEUE_BATCH};
use crate::scenario::stage::Stage;
use crate::subject::{Census, DEFAULT_QUEUE};

/// How often it is looked whether anything is left.
const INTERVAL: Duration = Duration::from_millis(2);
/// The same where handlers take time, whose end is known by their own times.
const INTERVAL_OF_LABOUR: Duration = Duration::from_millis(20);

/// Who drains what.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Processes {
    /// Processes.
    pub processes: usize,
    /// Threads of each one's pool.
    pub workers: usize,
    /// Tasks of the backlog.
    pub tasks: usize,
    /// What each does; nothing if `None`.
    pub labour: Option<Labour>,
}

/// What came of it.
#[derive(Debug, Clone)]
pub struct Shared {
    /// From the start of the pools until nothing was left.
    pub took: Duration,
    /// Whether every task was done once.
    pub audit: Audit,
    /// What the handlers of all processes did and when, where they did anything.
    pub spans: Vec<Span>,
    /// Operations answered busy, in all processes.
    pub busy_errors: u64,
    /// Claims that saw a task and lost it, in all processes.
    pub claim_conflicts: u64,
    /// Why the figures must not be used, if they must not.
    pub faults: Vec<String>,
}

/// Loads a backlog into a new database and lets the processes drain it.
///
/// # Errors
/// If the engine or a process fails.
pub fn drain_by_processes(stage: &Stage, load: Processes) -> Result<Shared> {
    let database = stage.database(1)?;
    let engine = database.engine();
    let mut enqueued = Vec::with_capacity(load.tasks);
    for batch in numbered(DRAINED_TYPE, load.tasks).chunks(ENQUEUE_BATCH) {
        enqueued.extend(engine.enqueue_all(batch).map_err(Error::engine("enqueue"))?);
    }
    let order = DrainOrder {
        engine: stage.kind(),
        workers: load.workers,
        labour: load.labour,
        path: database.path().to_owned(),
    };
    let mut drainers =
        (0..load.processes).map(|_| Drainer::open(order.clone())).collect::<Result<Vec<_>>>()?;
    let interval = if load.labour.is_some() { INTERVAL_OF_LABOUR } else { INTERVAL };
    let started = Instant::now();
    for drainer in &mut drainers {
        drainer.go()?;
    }
    let census = loop {
        let census = engine.census().map_err(Error::engine("count its tasks"))?;
        if census == Census::default() || started.elapsed() > BOUND {
            break census;
        }
        thread::sleep(interval);
    };
    let took = started.elapsed();
    let reports: Vec<DrainerReport> =
        drainers.into_iter().map(Drainer::stop).collect::<Result<_>>()?;

    let completed: Vec<i64> = reports.iter().flat_map(|report| report.completed.clone()).collect();
    let runs: Vec<i64> = reports.iter().flat_map(|report| report.runs.clone()).collect();
    let audit = Audit::balance(&enqueued, &completed, &runs);
    let mut faults = audit.faults();
    if census != Census::default() {
        faults.push(format!("tasks were left after {BOUND:?}: {census:?}"));
    }
    faults.extend(reports.iter().flat_map(|report| report.errors.clone()));
    let own = engine.counters().busy_errors;
    let busy_errors = own + reports.iter().map(|report| report.busy_errors).sum::<u64>();
    faults.extend(database.recount(&[DEFAULT_QUEUE], census)?);
    let claim_conflicts = reports.iter().map(|report| report.claim_conflicts).sum();
    let spans = reports.into_iter().flat_map(|report| report.spans).collect();
    Ok(Shared { took, audit, spans, busy_errors, claim_conflicts, faults })
}
