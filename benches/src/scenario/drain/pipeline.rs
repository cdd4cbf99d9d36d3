//! Producers and a pool at the same time, each as fast as it can.

use std::thread;
use std::time::Instant;

use crate::base::clock::Clock;
use crate::base::error::{Error, Result};
use crate::load::pool::{Pool, Work};
use crate::load::tasks::numbered;
use crate::observe::sampler;
use crate::observe::task_times::{Arrival, lives};
use crate::observe::timeline::Marks;
use crate::scenario::drain::{Drained, EVERY};
use crate::scenario::stage::Stage;
use crate::subject::under_test::Subject;
use crate::subject::{Census, DEFAULT_QUEUE, Engine, TaskSpec};

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
    let mut drained = run(&database.subject(), load)?;
    drained.faults.extend(database.recount(&[DEFAULT_QUEUE], Census::default())?);
    Ok(drained)
}

/// The same on anything that is open and empty.
///
/// # Errors
/// If the engine fails.
pub fn run(subject: &Subject<'_>, load: &Pipeline) -> Result<Drained> {
    let tasks = numbered(TASK_TYPE, load.tasks);
    let ((arrivals, worked, loading), samples) = sampler::beside(subject, EVERY, || {
        let pool = Pool::start(subject, TASK_TYPE, load.workers, load.tasks, &load.work)?;
        let started = Instant::now();
        let arrivals = produce_all(subject, &tasks, load)?;
        let loading = started.elapsed();
        let ids: Vec<i64> = arrivals.iter().map(|arrival| arrival.id).collect();
        Ok((arrivals, pool.finish(&ids)?, loading))
    })?;
    // No schedule: a task begins when its producer calls.
    let marks = Marks::of(&lives(&arrivals, &worked.runs, &worked.completions));
    Drained::of(worked, loading, &marks, &samples)
}

fn produce_all(subject: &Subject<'_>, tasks: &[TaskSpec], load: &Pipeline) -> Result<Vec<Arrival>> {
    let share = load.tasks.div_ceil(load.producers.max(1)).max(1);
    let answers = thread::scope(|scope| {
        let producers: Vec<_> = tasks
            .chunks(share)
            .map(|share| {
                scope.spawn(|| produce(subject.engine, &*subject.clock, share, load.batch))
            })
            .collect();
        producers.into_iter().map(thread::ScopedJoinHandle::join).collect::<Vec<_>>()
    });
    let mut arrivals = Vec::with_capacity(tasks.len());
    for answer in answers {
        arrivals.extend(answer.map_err(|_| Error::Panicked { what: "a producer" })??);
    }
    Ok(arrivals)
}

fn produce(
    engine: &dyn Engine,
    clock: &dyn Clock,
    tasks: &[TaskSpec],
    batch: usize,
) -> Result<Vec<Arrival>> {
    let mut arrivals = Vec::with_capacity(tasks.len());
    for batch in tasks.chunks(batch.max(1)) {
        let called = clock.now();
        let ids = engine.enqueue_all(batch).map_err(Error::engine("enqueue"))?;
        let committed = clock.now();
        let arrival = |id| Arrival { id, intended: called, free: called, called, committed };
        arrivals.extend(ids.into_iter().map(arrival));
    }
    Ok(arrivals)
}
