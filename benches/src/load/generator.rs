//! Callers that enqueue on a schedule, whether or not the queue keeps up.
//!
//! A call that returns late delays the calls after it but not the times they were meant for: what they
//! lost is theirs to tell. Nothing is skipped.

use std::iter;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use crate::base::clock::sleep_precisely;
use crate::base::error::{Error, Result};
use crate::observe::task_times::Arrival;
use crate::subject::TaskSpec;
use crate::subject::under_test::Subject;

/// A load that was offered.
#[derive(Debug, Clone)]
pub struct Generated {
    /// When the schedule began.
    pub began: Instant,
    /// All tasks, in the order they were meant for.
    pub arrivals: Vec<Arrival>,
}

/// Enqueues each task at its offset from now, by so many callers: whichever is free takes the next.
///
/// # Errors
/// If the engine does not take a task.
pub fn generate(
    subject: &Subject<'_>,
    tasks: &[TaskSpec],
    offsets: &[Duration],
    callers: usize,
) -> Result<Generated> {
    let began = subject.clock.now();
    let next = AtomicUsize::new(0);
    let take = || {
        let index = next.fetch_add(1, Ordering::Relaxed);
        tasks.get(index).zip(offsets.get(index))
    };
    let answers = thread::scope(|scope| {
        let callers: Vec<_> = (0..callers.max(1))
            .map(|_| scope.spawn(|| call(subject, iter::from_fn(take), began)))
            .collect();
        callers.into_iter().map(thread::ScopedJoinHandle::join).collect::<Vec<_>>()
    });
    let mut arrivals = Vec::with_capacity(tasks.len());
    for answer in answers {
        arrivals.extend(answer.map_err(|_| Error::Panicked { what: "a generator" })??);
    }
    arrivals.sort_unstable_by_key(|arrival| arrival.intended);
    Ok(Generated { began, arrivals })
}

fn call<'a>(
    subject: &Subject<'_>,
    tasks: impl Iterator<Item = (&'a TaskSpec, &'a Duration)>,
    began: Instant,
) -> Result<Vec<Arrival>> {
    sleep_precisely();
    let mut free = began;
    let mut arrivals = Vec::new();
    for (task, offset) in tasks {
        let intended = began + *offset;
        subject.clock.wait_until(intended);
        let called = subject.clock.now();
        let id = subject.engine.enqueue(task).map_err(Error::engine("enqueue"))?;
        let committed = subject.clock.now();
        arrivals.push(Arrival { id, intended, free, called, committed });
        free = committed;
    }
    Ok(arrivals)
}

impl Generated {
    /// Which share of the planned rate was offered.
    #[must_use]
    pub fn achieved(&self) -> f64 {
        let (Some(first), Some(last)) = (self.arrivals.first(), self.arrivals.last()) else {
            return 1.0;
        };
        let planned = last.intended.saturating_duration_since(first.intended).as_secs_f64();
        let took = last.called.saturating_duration_since(first.intended).as_secs_f64();
        if planned > 0.0 && took > planned { planned / took } else { 1.0 }
    }
}
