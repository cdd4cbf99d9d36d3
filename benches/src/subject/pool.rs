//! A worker pool to be started, what its handlers do, and what it reports of each attempt: plain data that can
//! be written down for another process.

use std::sync::Arc;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::base::clock::Time;

/// A value for each task by its number, over again from the first after the last.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cycle<T>(Arc<[T]>);

impl<T: Copy + Default> Cycle<T> {
    /// The value of the task with this number.
    #[must_use]
    pub fn of(&self, number: u64) -> T {
        let count = u64::try_from(self.0.len()).unwrap_or(u64::MAX);
        let place = number.checked_rem(count).and_then(|place| usize::try_from(place).ok());
        place.and_then(|place| self.0.get(place)).copied().unwrap_or_default()
    }
}

impl<T> FromIterator<T> for Cycle<T> {
    fn from_iter<I: IntoIterator<Item = T>>(values: I) -> Self {
        Self(values.into_iter().collect())
    }
}

/// What a handler does.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum Work {
    /// Nothing.
    #[default]
    None,
    /// It sleeps, as one that waits for an answer does.
    Sleep(Cycle<Duration>),
    /// It computes for so much processor time.
    Spin(Cycle<Duration>),
    /// It builds a list of this many numbers and drops it.
    List(u64),
}

impl Work {
    /// Every task sleeps for so long.
    #[must_use]
    pub fn sleep(time: Duration) -> Self {
        Self::Sleep([time].into_iter().collect())
    }
}

/// Which attempts fail.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum Fail {
    /// None.
    #[default]
    Never,
    /// So many of a task's first attempts, by an error.
    First(Cycle<u32>),
    /// A task's first attempt, by a panic.
    PanicOnce,
}

/// What a handler does and how it ends.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Handler {
    /// What it does.
    pub work: Work,
    /// Which attempts then fail.
    pub fail: Fail,
}

impl From<Work> for Handler {
    fn from(work: Work) -> Self {
        Self { work, fail: Fail::Never }
    }
}

/// What a pool reports to its [`Sink`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Recording {
    /// How attempts ended, without any times.
    Endings,
    /// How attempts ended and when that was known to be committed.
    Settled,
    /// That, and each run of a handler.
    Runs,
}

/// A worker pool to be started.
#[derive(Debug, Clone)]
pub struct PoolSpec {
    /// The queue whose tasks it runs.
    pub queue: &'static str,
    /// Threads that run handlers.
    pub workers: usize,
    /// How long a claimed task stays the pool's if it dies.
    pub lease: Duration,
    /// The handler of each type of task.
    pub handlers: Vec<(&'static str, Handler)>,
    /// What is reported.
    pub recording: Recording,
}

/// How an attempt ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Ending {
    /// The task is completed.
    Completed,
    /// It failed; the task is retried.
    Retried,
    /// It failed; the task is a dead letter.
    Dead,
    /// It was not begun; the task was released.
    Released,
    /// Its lease had expired.
    LeaseLost,
}

/// A committed attempt.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Settled {
    /// The task.
    pub id: i64,
    /// Which attempt it was, from 1.
    pub attempt: u32,
    /// How it ended.
    pub ending: Ending,
}

/// One run of a handler to its end.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Run {
    /// The task.
    pub id: i64,
    /// When the handler began.
    pub started: Time,
    /// When it had done its work.
    pub ended: Time,
    /// How long it worked in between: the processor time of one that computes.
    pub worked: Duration,
}

/// Receives what a pool reports, from its worker threads.
pub trait Sink: Send + Sync {
    /// A handler ran to its end.
    fn ran(&self, run: Run);

    /// An attempt was known to be committed at this time; the time is zero for [`Recording::Endings`].
    fn settled(&self, settled: Settled, at: Time);
}

/// What a pool has done when it has stopped.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct PoolReport {
    /// Handlers run to their end, by worker.
    pub per_worker: Vec<u64>,
    /// Errors other than failing handlers and busy answers, which are counted elsewhere.
    pub errors: Vec<String>,
}

/// A running pool.
pub trait RunningPool: Send {
    /// Stops it: nothing more is claimed, running handlers may finish within the bound.
    fn stop(self: Box<Self>, bound: Duration) -> PoolReport;
}
