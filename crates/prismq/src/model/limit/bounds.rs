//! The bounds of a limit: of tasks that run at once, and of starts in a period.

use std::time::Duration;

use crate::model::limits::{CONCURRENCY_MAX, RATE_INTERVAL_MIN, RATE_PERIOD_MAX};
use crate::model::{Error, Result};

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

impl Bounds {
    /// These, and another's where none is set.
    pub(super) const fn or(self, other: Self) -> Self {
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

    pub(super) fn validate(&self) -> Result<()> {
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

/// Whether this many tasks can be a bound.
pub(crate) fn validate_concurrency(tasks: u32) -> Result<()> {
    if tasks == 0 || tasks > CONCURRENCY_MAX {
        let reason =
            format!("{tasks}, must be 1 to {CONCURRENCY_MAX}; to run none, pause the queue");
        return Err(Error::invalid("concurrency", reason));
    }
    Ok(())
}
