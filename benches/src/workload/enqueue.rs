//! Callers that each enqueue one task a call, as fast as they are answered.

use std::collections::HashSet;
use std::sync::Barrier;
use std::thread;
use std::time::{Duration, Instant};

use crate::engine::{Census, Counters, Engine, EngineError, TaskSpec};
use crate::error::{Error, Result};
use crate::metrics::as_f64;
use crate::stage::Stage;
use crate::workload::numbered;

const TASK_TYPE: &str = "enqueue";

/// Who enqueues how much.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Enqueue {
    /// Threads.
    pub callers: usize,
    /// Tasks of all of them.
    pub tasks: usize,
}

/// What enqueuing came to.
#[derive(Debug, Clone)]
pub struct Enqueued {
    /// Tasks of all callers.
    pub tasks: u64,
    /// From when all callers stood ready to the last answer.
    pub took: Duration,
    /// What the engine met.
    pub met: Counters,
    /// Why the figures must not be used, if they must not.
    pub faults: Vec<String>,
}

impl Enqueued {
    /// Tasks enqueued in a second.
    #[must_use]
    pub fn per_s(&self) -> f64 {
        as_f64(self.tasks) / self.took.as_secs_f64()
    }
}

/// Enqueues into a new database.
///
/// # Errors
/// If the engine fails.
pub fn enqueue(stage: &Stage, load: Enqueue) -> Result<Enqueued> {
    // An engine with a connection a worker then has one for each caller.
    let database = stage.database(load.callers)?;
    let engine = database.engine();
    let tasks = numbered(TASK_TYPE, load.tasks);
    let shares = tasks.chunks(load.tasks.div_ceil(load.callers.max(1)).max(1));
    let ready = Barrier::new(shares.len() + 1);
    let (took, ids) = thread::scope(|scope| {
        let callers: Vec<_> = shares
            .map(|share| {
                let ready = &ready;
                scope.spawn(move || {
                    ready.wait();
                    call(engine, share)
                })
            })
            .collect();
        ready.wait();
        let started = Instant::now();
        let answers: Vec<_> = callers.into_iter().map(thread::ScopedJoinHandle::join).collect();
        (started.elapsed(), answers)
    });
    let mut known = HashSet::with_capacity(load.tasks);
    for answer in ids {
        let answer = answer.map_err(|_| Error::Panicked { what: "a caller" })?;
        known.extend(answer.map_err(Error::engine("enqueue"))?);
    }
    let census = engine.census().map_err(Error::engine("count its tasks"))?;
    let tasks = u64::try_from(load.tasks).unwrap_or(u64::MAX);
    let mut faults = Vec::new();
    if known.len() != load.tasks || census != (Census { ready: tasks, ..Census::default() }) {
        let ids = known.len();
        faults.push(format!("{tasks} tasks were enqueued, {ids} ids given, {census:?} found"));
    }
    Ok(Enqueued { tasks, took, met: engine.counters(), faults })
}

fn call(engine: &dyn Engine, tasks: &[TaskSpec]) -> Result<Vec<i64>, EngineError> {
    tasks.iter().map(|task| insist(engine, task)).collect()
}

/// Enqueues again and again while the answer is busy, which the engine counts.
fn insist(engine: &dyn Engine, task: &TaskSpec) -> Result<i64, EngineError> {
    loop {
        match engine.enqueue(task) {
            Err(error) if error.is_busy() => {}
            answer => return answer,
        }
    }
}
