//! Several processes drain one database, each with a pool of its own.

use std::thread;
use std::time::{Duration, Instant};

use crate::base::error::Result;
use crate::load::pool::BOUND;
use crate::load::service_time::ServiceTime;
use crate::load::tasks::{ENQUEUE_BATCH, fill, numbered};
use crate::observe::audit::Audit;
use crate::observe::ledger::ids_run;
use crate::process::{DRAINED_TYPE, DrainRole, Drainer, DrainerReport};
use crate::scenario::stage::Stage;
use crate::subject::{Census, DEFAULT_QUEUE, Run, server_time};

/// How often it is looked whether anything is left.
const INTERVAL: Duration = Duration::from_millis(2);
/// The same where handlers take time, whose end is known by their own times.
const INTERVAL_OF_SERVICE: Duration = Duration::from_millis(20);

/// Who drains what.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Processes {
    /// Processes.
    pub processes: usize,
    /// Threads of each one's pool.
    pub workers: usize,
    /// Tasks of the backlog.
    pub tasks: usize,
    /// What each handler does; nothing if `None`.
    pub service_time: Option<ServiceTime>,
}

/// The result of a drain by processes.
#[derive(Debug, Clone)]
pub struct Shared {
    /// From the start of the pools until nothing was left.
    pub took: Duration,
    /// Whether every task was done once.
    pub audit: Audit,
    /// The runs of the handlers of all processes.
    pub runs: Vec<Run>,
    /// The processor time of the queue's server meanwhile, if the run has started one.
    pub server: Option<Duration>,
    /// Operations answered busy, in all processes.
    pub busy_errors: u64,
    /// Claims that saw a task and lost it, in all processes.
    pub claim_conflicts: u64,
    /// Reasons why the figures are invalid.
    pub faults: Vec<String>,
}

/// Loads a backlog into a new database and lets the processes drain it.
///
/// # Errors
/// If the subject or a process fails.
pub fn drain_by_processes(stage: &Stage, load: Processes) -> Result<Shared> {
    let database = stage.database(1)?;
    let subject = database.subject();
    let enqueued = fill(subject, &numbered(DRAINED_TYPE, load.tasks), ENQUEUE_BATCH)?.ids();
    let order = DrainRole {
        subject: stage.kind(),
        workers: load.workers,
        service_time: load.service_time,
        path: database.path().to_owned(),
    };
    let mut drainers =
        (0..load.processes).map(|_| Drainer::open(order.clone())).collect::<Result<Vec<_>>>()?;
    let interval = if load.service_time.is_some() { INTERVAL_OF_SERVICE } else { INTERVAL };
    let (started, server_before) = (Instant::now(), server_time());
    for drainer in &mut drainers {
        drainer.go()?;
    }
    let census = loop {
        let census = subject.census(DEFAULT_QUEUE)?;
        if census == Census::default() || started.elapsed() > BOUND {
            break census;
        }
        thread::sleep(interval);
    };
    let took = started.elapsed();
    let server =
        server_time().zip(server_before).map(|(after, before)| after.saturating_sub(before));
    let reports: Vec<DrainerReport> =
        drainers.into_iter().map(Drainer::stop).collect::<Result<_>>()?;

    let completed: Vec<i64> = reports.iter().flat_map(|report| report.completed.clone()).collect();
    let runs: Vec<Run> = reports.iter().flat_map(|report| report.runs.clone()).collect();
    let audit = Audit::balance(&enqueued, &completed, &ids_run(&runs));
    let mut faults = audit.faults();
    if census != Census::default() {
        faults.push(format!("tasks were left after {BOUND:?}: {census:?}"));
    }
    faults.extend(reports.iter().flat_map(|report| report.errors.clone()));
    let own = subject.counters().busy_errors;
    let busy_errors = own + reports.iter().map(|report| report.busy_errors).sum::<u64>();
    faults.extend(database.recount(&[DEFAULT_QUEUE], census)?);
    let claim_conflicts = reports.iter().map(|report| report.claim_conflicts).sum();
    Ok(Shared { took, audit, runs, server, busy_errors, claim_conflicts, faults })
}
