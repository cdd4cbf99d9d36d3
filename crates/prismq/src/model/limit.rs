//! Limits on the tasks of one name: how many run at once, and how many start in a period. Decided by an engine.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use crate::model::limits::{CONCURRENCY_MAX, RATE_INTERVAL_MIN, RATE_PERIOD_MAX};
use crate::model::{Error, Result, validate_name};

/// Bounds for all tasks that name a limit by [`NewTask::limit`](crate::NewTask::limit), over all processes: how many
/// run at once, and how many start in a period; for all of them together, for those of each key, or both.
///
/// # Examples
/// ```
/// use std::time::Duration;
/// use prismq::{Limit, NewTask, Queue};
///
/// # fn main() -> Result<(), prismq::Error> {
/// # let folder = tempfile::tempdir().unwrap();
/// # let queue = Queue::open(folder.path().join("queue.db"))?;
/// // A hundred calls a second in all, and at most two at once for each tenant.
/// let all = Limit::rate(100, Duration::from_secs(1));
/// queue.set_limit("api", all.and(Limit::concurrency(2).per_key()))?;
///
/// queue.enqueue(&NewTask::new("call", *b"{}").limit("api").key("tenant-42"))?;
/// # Ok(())
/// # }
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Limit {
    /// Of all tasks together.
    pub(crate) total: Bounds,
    /// Of the tasks of each key.
    pub(crate) per_key: Bounds,
}

/// What is bounded; each at most once.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Bounds {
    pub(crate) concurrency: Option<u32>,
    pub(crate) rate: Option<Rate>,
}

/// So many tasks may start in a period.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Rate {
    pub(crate) tasks: u32,
    pub(crate) period: Duration,
    /// Tasks that may start at once after a pause.
    pub(crate) burst: u32,
}

impl Limit {
    /// No bound: tasks that name the limit are only counted.
    #[must_use]
    pub const fn unlimited() -> Self {
        const NONE: Bounds = Bounds { concurrency: None, rate: None };
        Self { total: NONE, per_key: NONE }
    }

    /// At most this many tasks run at once. A task runs from its claim until it is settled or another claim finds
    /// its lease expired.
    #[must_use]
    pub const fn concurrency(tasks: u32) -> Self {
        let mut limit = Self::unlimited();
        limit.total.concurrency = Some(tasks);
        limit
    }

    /// At most this many tasks start within any period of this length, evenly spaced: ten a second start at least
    /// 100 ms apart, unless [`Limit::burst`] allows more at once. Each claim of a task counts as a start.
    #[must_use]
    pub const fn rate(tasks: u32, period: Duration) -> Self {
        let mut limit = Self::unlimited();
        limit.total.rate = Some(Rate { tasks, period, burst: 1 });
        limit
    }

    /// How many tasks may start at once after a pause; 1 unless set. Within one period then start at most the rate's
    /// tasks and this many, less one. It changes the rates set so far, and nothing if there are none.
    #[must_use]
    pub const fn burst(mut self, tasks: u32) -> Self {
        if let Some(rate) = &mut self.total.rate {
            rate.burst = tasks;
        }
        if let Some(rate) = &mut self.per_key.rate {
            rate.burst = tasks;
        }
        self
    }

    /// The same bounds, but for the tasks of each [key](crate::NewTask::key) by themselves. Tasks without a key are
    /// not bounded by them.
    #[must_use]
    pub const fn per_key(self) -> Self {
        Self { total: Self::unlimited().total, per_key: self.per_key.or(self.total) }
    }

    /// These bounds and those of another limit; of two of the same kind, the other's.
    #[must_use]
    pub const fn and(self, other: Self) -> Self {
        Self { total: other.total.or(self.total), per_key: other.per_key.or(self.per_key) }
    }

    pub(crate) fn validate(&self) -> Result<()> {
        self.total.validate()?;
        self.per_key.validate()
    }
}

impl Bounds {
    /// These, and another's where none is set.
    const fn or(self, other: Self) -> Self {
        Self {
            concurrency: match self.concurrency {
                None => other.concurrency,
                set => set,
            },
            rate: match self.rate {
                None => other.rate,
                set => set,
            },
        }
    }

    fn validate(&self) -> Result<()> {
        if let Some(tasks) = self.concurrency {
            validate_concurrency(tasks)?;
        }
        self.rate.map_or(Ok(()), Rate::validate)
    }

    /// When the next task may start, if the one before left this time: the theoretical arrival time of the generic
    /// cell rate algorithm (ITU-T I.371). All in microseconds.
    pub(crate) fn next_start(&self, arrival: i64, now: i64) -> i64 {
        self.rate.map_or(now, |rate| rate.next_start(arrival, now))
    }

    /// The theoretical arrival time after a task has started.
    pub(crate) fn arrival_after(&self, arrival: i64, now: i64) -> i64 {
        self.rate.map_or(arrival, |rate| {
            rate.checked(arrival, now).max(now).saturating_add(rate.interval())
        })
    }

    /// The latest theoretical arrival time by now: where another rate led to a later one, it counts as this.
    pub(crate) fn latest_arrival(&self, now: i64) -> i64 {
        self.rate.map_or(i64::MAX, |rate| rate.latest_arrival(now))
    }

    /// Whether another task may run while so many do.
    pub(crate) fn has_slot(&self, running: i64) -> bool {
        self.concurrency.is_none_or(|most| running < i64::from(most))
    }
}

impl Rate {
    /// Microseconds between two tasks, rounded up so that the rate is never exceeded.
    fn interval(self) -> i64 {
        let period = i64::try_from(self.period.as_micros()).unwrap_or(i64::MAX);
        let tasks = i64::from(self.tasks.max(1));
        period / tasks + i64::from(period % tasks > 0)
    }

    /// How far ahead of the present the arrival time may be for a task to start.
    fn tolerance(self) -> i64 {
        self.interval().saturating_mul(i64::from(self.burst.max(1)) - 1)
    }

    /// The arrival time, unless no start by now can have led to it: then it is from a clock that was wrong, and would
    /// keep tasks waiting for as long.
    fn checked(self, arrival: i64, now: i64) -> i64 {
        if arrival > self.latest_arrival(now) { now } else { arrival }
    }

    /// The latest theoretical arrival time after a start now.
    fn latest_arrival(self, now: i64) -> i64 {
        now.saturating_add(self.interval()).saturating_add(self.tolerance())
    }

    fn next_start(self, arrival: i64, now: i64) -> i64 {
        self.checked(arrival, now).saturating_sub(self.tolerance())
    }

    fn validate(self) -> Result<()> {
        let Self { tasks, period, burst } = self;
        if period.is_zero() || period > RATE_PERIOD_MAX {
            let reason = format!(
                "a period of {period:?}, must be longer than 0 and at most {RATE_PERIOD_MAX:?}"
            );
            return Err(Error::invalid("rate", reason));
        }
        if tasks == 0 {
            let reason = "0 tasks, must be at least 1; to start none, pause the queue";
            return Err(Error::invalid("rate", reason));
        }
        if period.as_nanos() < RATE_INTERVAL_MIN.as_nanos() * u128::from(tasks) {
            let reason = format!(
                "{tasks} tasks in {period:?}, must be one in at least {RATE_INTERVAL_MIN:?}"
            );
            return Err(Error::invalid("rate", reason));
        }
        if burst == 0 || burst > tasks {
            let reason = format!("{burst}, must be 1 to the rate's tasks ({tasks})");
            return Err(Error::invalid("burst", reason));
        }
        Ok(())
    }
}

/// The limit and the key that a task is under.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct LimitUse {
    /// A limit of the file.
    pub(crate) name: Option<Arc<str>>,
    pub(crate) key: Option<Arc<str>>,
    /// Whether the tasks of the key run one at a time, in order.
    pub(crate) ordered: bool,
}

impl LimitUse {
    pub(crate) fn validate(&self) -> Result<()> {
        if let Some(name) = &self.name {
            validate_name("limit name", name)?;
        }
        match &self.key {
            Some(key) => validate_name("key", key),
            None if self.ordered => {
                Err(Error::invalid("ordered", "the task has no key: set one by `NewTask::key`"))
            }
            None => Ok(()),
        }
    }
}

/// Whether this many tasks can be a bound.
pub(crate) fn validate_concurrency(tasks: u32) -> Result<()> {
    if tasks == 0 || tasks > CONCURRENCY_MAX {
        let reason =
            format!("{tasks}, must be 1 to {CONCURRENCY_MAX}; to run none, pause the queue");
        return Err(Error::invalid("concurrency", reason));
    }
    Ok(())
}

impl fmt::Display for Limit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut parts = Vec::new();
        for (bounds, of) in [(self.total, ""), (self.per_key, " per key")] {
            if let Some(tasks) = bounds.concurrency {
                parts.push(format!("{tasks} at once{of}"));
            }
            if let Some(Rate { tasks, period, burst }) = bounds.rate {
                parts.push(format!("{tasks} in {period:?}{of} (burst {burst})"));
            }
        }
        if parts.is_empty() {
            return f.write_str("unlimited");
        }
        f.write_str(&parts.join(", "))
    }
}

/// A limit as it is set, and the tasks that name it.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct LimitInfo {
    /// Its name.
    pub name: String,
    /// Its bounds.
    pub limit: Limit,
    /// Tasks that run, or that a pool holds for its workers.
    pub running: u64,
    /// Tasks that are ready and wait for a worker, a slot, or their rate. They are counted when asked for.
    pub waiting: u64,
    /// Keys with tasks, and those that had some in the last minutes.
    pub keys: u64,
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    /// When tasks start that are always waiting, looked for at each of these times.
    fn starts(limit: Limit, times: impl IntoIterator<Item = i64>) -> Vec<i64> {
        let mut arrival = 0;
        let mut starts = Vec::new();
        for now in times {
            while limit.total.next_start(arrival, now) <= now {
                arrival = limit.total.arrival_after(arrival, now);
                starts.push(now);
            }
        }
        starts
    }

    #[test]
    fn no_period_has_more_starts_than_the_rate_and_its_burst_allow() {
        for (tasks, burst) in [(1, 1), (3, 1), (3, 3), (10, 1), (10, 4), (1000, 7)] {
            let limit = Limit::rate(tasks, SECOND).burst(burst);
            limit.validate().unwrap();
            let times = (0..400_000).map(|step| 5_000_000 + step * 37 % 9_000_000);
            let mut times: Vec<i64> = times.collect();
            times.sort_unstable();
            let starts = starts(limit, times);
            let most = (tasks + burst - 1) as usize;
            for (first, start) in starts.iter().enumerate() {
                let within = starts[first..].iter().take_while(|at| **at < start + 1_000_000);
                assert!(within.count() <= most, "{limit} from {start}");
            }
            assert!(starts.len() >= 9 * tasks as usize - 9, "{limit}: {}", starts.len());
        }
    }

    #[test]
    fn an_arrival_time_that_cannot_be_keeps_no_task_waiting() {
        let limit = Limit::rate(10, SECOND).burst(3);
        let now = 1_000_000;
        let latest = limit.total.latest_arrival(now);
        assert_eq!(limit.total.next_start(latest, now), now + 100_000);
        assert!(limit.total.next_start(latest + 1, now) <= now);
        assert_eq!(limit.total.arrival_after(latest + 1, now), now + 100_000);
    }

    #[test]
    fn bounds_are_combined_and_moved_to_keys() {
        let rate = Limit::rate(5, SECOND).burst(2);
        let both = rate.and(Limit::concurrency(3).per_key());
        assert_eq!(both.to_string(), "5 in 1s (burst 2), 3 at once per key");
        assert_eq!(both.and(Limit::concurrency(1).per_key()).per_key.concurrency, Some(1));
        assert_eq!(rate.per_key().to_string(), "5 in 1s per key (burst 2)");
        assert_eq!(Limit::unlimited().to_string(), "unlimited");
    }

    #[test]
    fn bounds_that_cannot_be_kept_are_refused() {
        let ms = Duration::from_millis(1);
        for (limit, what) in [
            (Limit::concurrency(0), "concurrency"),
            (Limit::concurrency(u32::MAX).per_key(), "concurrency"),
            (Limit::rate(0, SECOND), "rate"),
            (Limit::rate(1, Duration::ZERO), "rate"),
            (Limit::rate(1, Duration::MAX), "rate"),
            (Limit::rate(11, ms), "rate"),
            (Limit::rate(u32::MAX, SECOND), "rate"),
            (Limit::rate(5, SECOND).burst(0), "burst"),
            (Limit::rate(5, SECOND).burst(6).per_key(), "burst"),
        ] {
            match limit.validate() {
                Err(Error::InvalidInput { what: named, .. }) => assert_eq!(named, what),
                other => panic!("{limit}: {other:?}"),
            }
        }
        Limit::rate(10, ms).burst(10).validate().unwrap();
    }

    #[test]
    fn no_time_overflows() {
        let limit = Limit::rate(1, RATE_PERIOD_MAX);
        for (arrival, now) in [(i64::MAX, i64::MAX), (i64::MIN, i64::MIN), (i64::MIN, i64::MAX)] {
            limit.total.next_start(arrival, now);
            limit.total.arrival_after(arrival, now);
        }
    }
}
