//! Producers and a pool at the same time, each as fast as it can.

use std::thread;
use std::time::Instant;

use crate::engine::{Engine, EngineError, TaskSpec};
use crate::error::{Error, Result};
use crate::stage::Stage;
use crate::workload::drain::{Drained, Pool, Work};
use crate::workload::numbered;

const TASK_TYPE: &str = "pipeline";

/// Who produces and who works.
#[derive(Clone)]
pub struct Pipeline {
    /// Threads that enqueue.
    pub producers: usize,
    /// Threads of the pool.
    pub workers: usize,
    /// Tasks in one call of a producer.
    pub batch: usize,
    /// Tasks of all producers.
    pub tasks: usize,
    /// What each does.
    pub work: Work,
}

/// Sends tasks through a new database. The time is from the start of both sides to the last commit.
///
/// # Errors
/// If the engine fails.
pub fn pipeline(stage: &Stage, load: &Pipeline) -> Result<Drained> {
    let database = stage.database(load.workers + load.producers)?;
    run(database.engine(), load)
}

/// The same in a database that is open.
///
/// # Errors
/// If the engine fails.
pub fn run(engine: &dyn Engine, load: &Pipeline) -> Result<Drained> {
    let tasks = numbered(TASK_TYPE, load.tasks);
    let pool = Pool::start(engine, TASK_TYPE, load.workers, load.tasks, &load.work)?;
    let started = Instant::now();
    let answers = thread::scope(|scope| {
        let share = load.tasks.div_ceil(load.producers.max(1)).max(1);
        let producers: Vec<_> = tasks
            .chunks(share)
            .map(|share| scope.spawn(|| produce(engine, share, load.batch)))
            .collect();
        producers.into_iter().map(thread::ScopedJoinHandle::join).collect::<Vec<_>>()
    });
    let loading = started.elapsed();
    let mut enqueued = Vec::with_capacity(load.tasks);
    for answer in answers {
        let ids = answer.map_err(|_| Error::Panicked { what: "a producer" })?;
        enqueued.extend(ids.map_err(Error::engine("enqueue"))?);
    }
    pool.finish(&enqueued, loading)
}

fn produce(engine: &dyn Engine, tasks: &[TaskSpec], batch: usize) -> Result<Vec<i64>, EngineError> {
    let mut ids = Vec::with_capacity(tasks.len());
    for batch in tasks.chunks(batch.max(1)) {
        ids.extend(engine.enqueue_all(batch)?);
    }
    Ok(ids)
}
