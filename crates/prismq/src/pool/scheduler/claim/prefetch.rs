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
use super::super::held::ready::{Ready, ReadyTask};
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

/// What the pool holds of a queue of which it runs no more than so many at once.
struct Holding {
    /// How many average tasks to hold, those that may begin at once included.
    target: usize,
    /// How long the handlers of its tasks take on average.
    mean: Duration,
    /// How long those of its ready tasks take together.
    expected: Duration,
}

impl Scheduler {
    /// How many average tasks to hold ahead, beyond one for each free worker.
    pub(crate) fn prefetch_target(&self, now: Instant) -> usize {
        let Some(mean) = self.handler_times.mean() else { return 0 };
        let remaining = self.slots.remaining(now, &self.handler_times);
        let time = time_to_fill(self.slots.free(), remaining, mean);
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
        self.release_excess_of_bounded(before, now);
        while self.weighted_ready() > keep
            && let Some(task) = self.ready.take_last(&self.queues, before)
        {
            self.settle_unrun(task, Settle::Release, now);
            self.prefetch.released_at = Some(now);
        }
        let next = |since: Instant| (since + PREFETCH_TIME).max(now + PREFETCH_TIME / 2);
        self.prefetch.check_at = self.ready.oldest().map(next);
    }

    /// The same for each queue of which the pool runs no more than so many at once.
    fn release_excess_of_bounded(&mut self, before: Instant, now: Instant) {
        for queue in 0..self.queues.len() {
            if !self.queues.is_bounded(queue) {
                continue;
            }
            let Holding { target, mean, mut expected } = self.holding(queue, now);
            let keep = mean.saturating_mul(u32::try_from(target).unwrap_or(u32::MAX));
            while expected > keep
                && let Some(task) = self.ready.take_last_of(queue, before)
            {
                let own = self.handler_times.mean_of(task.type_index).unwrap_or(mean);
                expected = expected.saturating_sub(own);
                self.settle_unrun(task, Settle::Release, now);
                self.prefetch.released_at = Some(now);
            }
        }
    }

    /// How many more tasks of a queue to hold, by the bound of its own.
    pub(crate) fn room_to_hold(&self, queue: usize, now: Instant) -> usize {
        if !self.queues.is_bounded(queue) {
            return usize::MAX;
        }
        let Holding { target, mean, expected } = self.holding(queue, now);
        let held = (expected.as_secs_f64() / mean.as_secs_f64()).round() as usize;
        let startable = self.queues.room(queue).saturating_sub(self.ready.len_of(queue));
        target.saturating_sub(held).max(startable)
    }

    /// Whether so few tasks of a queue with a bound are held that more are to be claimed.
    pub(crate) fn is_low_on(&self, queue: usize, now: Instant) -> bool {
        self.room_to_hold(queue, now) >= self.ready.len_of(queue).max(1)
    }

    fn holding(&self, queue: usize, now: Instant) -> Holding {
        let times = &self.handler_times;
        let running = || self.slots.iter().filter(|task| task.queue == queue);
        let types = running().map(|task| task.type_index);
        let types = types.chain(self.ready.of(queue).map(|task| task.type_index));
        let (sum, count) = types
            .filter_map(|index| times.mean_of(index))
            .fold((Duration::ZERO, 0), |(sum, count), mean| (sum.saturating_add(mean), count + 1));
        let known = sum.checked_div(count).or(times.mean());
        let mean = known.unwrap_or(PREFETCH_TIME).max(Duration::from_nanos(1));
        let room = self.queues.room(queue);
        let ahead = match known {
            None => 0.0,
            Some(mean) => {
                let remaining = running().map(|task| task.remaining(now, times));
                let time = time_to_fill(room.min(self.slots.len()), remaining, mean);
                (time.as_secs_f64() / mean.as_secs_f64()).ceil()
            }
        };
        let ahead = ahead.min(self.prefetch.max_now(now) as f64) as usize;
        let each = |task: &ReadyTask| times.mean_of(task.type_index).unwrap_or(mean);
        let expected =
            self.ready.of(queue).map(each).fold(Duration::ZERO, Duration::saturating_add);
        Holding { target: room.saturating_add(ahead), mean, expected }
    }

    /// When the first running handler comes so close to its expected end that its worker's next task may be
    /// held.
    pub(crate) fn prefetch_at(&self, now: Instant) -> Option<Instant> {
        let wait = |remaining: Option<Duration>| remaining?.checked_sub(PREFETCH_TIME);
        self.slots.remaining(now, &self.handler_times).filter_map(wait).min().map(|wait| now + wait)
    }
}

/// The time of some workers within the next [`PREFETCH_TIME`] that running handlers, which run for so much longer, leave
/// for tasks held ahead.
fn time_to_fill(
    free: usize,
    remaining: impl Iterator<Item = Option<Duration>>,
    mean: Duration,
) -> Duration {
    // A free worker begins a task at once, which is not held ahead.
    let each = PREFETCH_TIME.saturating_sub(mean);
    let free = each.saturating_mul(u32::try_from(free).unwrap_or(u32::MAX));
    let left = |remaining: Option<Duration>| {
        PREFETCH_TIME.saturating_sub(remaining.unwrap_or(PREFETCH_TIME))
    };
    remaining.map(left).fold(free, Duration::saturating_add)
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
