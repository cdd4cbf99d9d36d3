//! How many tasks to hold ahead of the workers, and when to release some of them.
//!
//! A worker that waited for each claim would idle for as long as one takes. The pool therefore holds what its
//! workers are expected to begin within [`PREFETCH_TIME`] (20 ms): less would not outlast a commit on a slow
//! disk, more would keep tasks from other pools and urgent ones waiting. What was held for that time and will
//! not begin within as much is released, the last in the queue's order first. A pool that released some claims
//! few ahead for a second: with one task in 100 slow, it released 37,324 times for 5000 tasks without this
//! rule, and 1784 times with it.

use std::time::{Duration, Instant};

use super::super::Scheduler;
use super::super::held::handler_time::HandlerTimes;
use super::super::held::ready::Ready;
use super::super::held::running::WorkerSlots;
use super::super::held::settling::Settle;

/// How far ahead a pool claims: the tasks that its workers are expected to begin within this time.
pub(crate) const PREFETCH_TIME: Duration = Duration::from_millis(20);
/// Most tasks ahead for each worker after a release: enough for quick handlers while the next are claimed.
const CAUTIOUS_PER_WORKER: usize = 16;
/// For how long after a release.
const CAUTION: Duration = Duration::from_secs(1);

/// The bounds of what is held ahead.
#[derive(Debug)]
pub(crate) struct Prefetch {
    /// Most tasks ahead, as set by the application.
    max: usize,
    workers: usize,
    /// With so few tasks ready the leader is woken to claim; `None` if it holds none ahead.
    low_water: Option<usize>,
    /// When ready tasks are next checked for too many.
    check_at: Option<Instant>,
    /// When tasks were last released as too many.
    released_at: Option<Instant>,
}

impl Prefetch {
    pub(crate) const fn new(max: usize, workers: usize) -> Self {
        Self { max, workers, low_water: None, check_at: None, released_at: None }
    }

    /// How many results make a full batch, so that no more are waited for.
    pub(crate) fn full_batch(&self) -> usize {
        (self.max / 2).max(1)
    }

    pub(crate) fn is_low(&self, ready: usize) -> bool {
        self.low_water.is_some_and(|low| ready <= low)
    }

    pub(crate) const fn set_low_water(&mut self, low_water: Option<usize>) {
        self.low_water = low_water;
    }

    /// Tasks are ready as of now.
    pub(crate) fn tasks_ready(&mut self, now: Instant) {
        self.check_at.get_or_insert(now + PREFETCH_TIME);
    }

    /// No task is ready.
    pub(crate) const fn none_ready(&mut self) {
        self.check_at = None;
    }

    pub(crate) const fn check_at(&self) -> Option<Instant> {
        self.check_at
    }

    /// The most tasks to hold ahead now.
    fn max_now(&self, now: Instant) -> usize {
        match self.released_at {
            Some(at) if now < at + CAUTION => {
                self.max.min(CAUTIOUS_PER_WORKER.saturating_mul(self.workers))
            }
            _ => self.max,
        }
    }
}

impl Scheduler {
    /// How many average tasks to hold ahead, beyond one for each free worker.
    pub(crate) fn prefetch_target(&self, now: Instant) -> usize {
        let Some(mean) = self.handler_times.mean() else { return 0 };
        let time = time_to_fill(&self.slots, &self.handler_times, mean, now);
        // One that begins in time may end later.
        let tasks = (time.as_secs_f64() / mean.as_secs_f64()).ceil();
        tasks.min(self.prefetch.max_now(now) as f64) as usize
    }

    /// The ready tasks, counted in average tasks: one of a slow type counts as many.
    pub(crate) fn weighted_ready(&self) -> usize {
        let Some(mean) = self.handler_times.mean() else { return self.ready.len() };
        let expected = expected_time(&self.ready, &self.handler_times, mean);
        let tasks = (expected.as_secs_f64() / mean.as_secs_f64()).round() as usize;
        tasks.max(self.ready.len().min(1))
    }

    /// Releases the last of the tasks that were held for [`PREFETCH_TIME`] and will not begin within as much.
    pub(crate) fn release_excess(&mut self, now: Instant) {
        if self.prefetch.check_at.is_none_or(|at| at > now) {
            return;
        }
        let keep = self.slots.free() + self.prefetch_target(now);
        let before = now.checked_sub(PREFETCH_TIME).unwrap_or(now);
        while self.weighted_ready() > keep
            && let Some(task) = self.ready.take_last(before)
        {
            self.settle_unrun(task, Settle::Release, now);
            self.prefetch.released_at = Some(now);
        }
        let next = |since: Instant| (since + PREFETCH_TIME).max(now + PREFETCH_TIME / 2);
        self.prefetch.check_at = self.ready.oldest().map(next);
    }

    /// When the first running handler comes so close to its expected end that its worker's next task may be
    /// held.
    pub(crate) fn prefetch_at(&self, now: Instant) -> Option<Instant> {
        let wait = |remaining: Option<Duration>| remaining?.checked_sub(PREFETCH_TIME);
        self.slots.remaining(now, &self.handler_times).filter_map(wait).min().map(|wait| now + wait)
    }
}

/// The workers' time within the next [`PREFETCH_TIME`] that running handlers leave for tasks held ahead.
fn time_to_fill(
    slots: &WorkerSlots,
    times: &HandlerTimes,
    mean: Duration,
    now: Instant,
) -> Duration {
    // A free worker begins a task at once, which is not held ahead.
    let free = PREFETCH_TIME.saturating_sub(mean) * u32::try_from(slots.free()).unwrap_or(u32::MAX);
    let left = |remaining: Option<Duration>| {
        PREFETCH_TIME.saturating_sub(remaining.unwrap_or(PREFETCH_TIME))
    };
    slots.remaining(now, times).map(left).fold(free, Duration::saturating_add)
}

/// How long the handlers of all ready tasks are expected to take together; those of a type that has not run
/// yet as long as the average.
fn expected_time(ready: &Ready, times: &HandlerTimes, mean: Duration) -> Duration {
    let of_type = |(type_index, count): (usize, &usize)| {
        let each = times.mean_of(type_index).unwrap_or(mean);
        each.saturating_mul(u32::try_from(*count).unwrap_or(u32::MAX))
    };
    ready
        .count_by_type()
        .iter()
        .enumerate()
        .map(of_type)
        .fold(Duration::ZERO, Duration::saturating_add)
}
