//! Producers and a pool at the same time, each as fast as it can.

use crate::base::error::Result;
use crate::load::pool::{Pool, pool};
use crate::load::tasks::numbered;
use crate::observe::sampler;
use crate::observe::task_times::traces;
use crate::observe::timeline::Marks;
use crate::scenario::drain::{DrainRound, EVERY};
use crate::scenario::stage::Stage;
use crate::subject::{Census, DEFAULT_QUEUE, Load, Pace, Subject, Work};

const TASK_TYPE: &str = "pipeline";

/// Who produces and who works.
#[derive(Debug, Clone)]
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
/// If the subject fails.
pub fn pipeline(stage: &Stage, load: &Pipeline) -> Result<DrainRound> {
    let database = stage.database(load.workers + load.producers)?;
    let mut drained = run(database.subject(), load)?;
    drained.faults.extend(database.recount(&[DEFAULT_QUEUE], Census::default())?);
    Ok(drained)
}

/// The same on a subject that is open and empty.
///
/// # Errors
/// If the subject fails.
pub fn run(subject: &dyn Subject, load: &Pipeline) -> Result<DrainRound> {
    let tasks = numbered(TASK_TYPE, load.tasks);
    let ((offered, worked), samples) = sampler::during(subject, EVERY, || {
        let pool = pool(load.workers, TASK_TYPE, load.work.clone());
        let pool = Pool::start(subject, &pool, load.tasks)?;
        let offered = subject.enqueue(&Load {
            tasks: &tasks,
            pace: Pace::UNPACED,
            callers: load.producers,
            batch: load.batch,
            stop: None,
        })?;
        let worked = pool.finish(&offered.ids())?;
        Ok((offered, worked))
    })?;
    // No schedule: a task begins when its producer calls.
    let marks = Marks::of(&traces(&offered.arrivals, &worked.runs, &worked.completions));
    DrainRound::of(worked, offered.took(), &marks, &samples)
}
