//! Schedules: a task that is enqueued again and again, at times that a rule gives.
//!
//! Which times those are is decided here ([`rule`], [`due`]), as values and without a clock; storing schedules and
//! enqueueing their tasks is left to the engine.

#[cfg(feature = "cron")]
mod cron;
mod due;
mod info;
mod rule;

use std::sync::Arc;
use std::time::Duration;

pub(crate) use self::due::Due;
pub use self::info::ScheduleInfo;
pub(crate) use self::rule::{Rule, Slots, When};
use crate::model::limits::{INTERVAL_MAX, INTERVAL_MIN, NEXT_RUNS_MAX, SCHEDULE_PAYLOAD_BYTES_MAX};
use crate::model::{Error, IntoTask, NewTask, Result, validate_name};
use crate::time::Timestamp;

/// What happens with the slots of a schedule that passed while no process could enqueue their tasks: because none was
/// running, the queue's file could not be written, the queue was full ([`Queue::set_depth_limit`]), or the clock was set
/// forward.
///
/// [`Queue::set_depth_limit`]: crate::Queue::set_depth_limit
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
#[non_exhaustive]
pub enum Missed {
    /// None of them is run. A slot counts as missed if its task could not be enqueued within
    /// [`MISSED_AFTER`](crate::limits::MISSED_AFTER).
    Skip,
    /// One task is enqueued for all of them, with the time of the latest.
    #[default]
    Once,
    /// A task is enqueued for each, oldest first: of more than
    /// [`MISSED_RUNS_MAX`](crate::limits::MISSED_RUNS_MAX), for that many of the latest, which is logged.
    All,
}

/// A task that is enqueued again and again: at the times of a cron expression, or at an interval.
///
/// A schedule is stored in the queue's file by [`Schedules::set`](crate::Schedules::set), with its task: any but one with
/// a delay or a time of its own, as a task is due at its slot. The payload of its task is always the same; the time a task was enqueued for is [`TaskInfo::scheduled_for`](crate::TaskInfo::scheduled_for).
///
/// # Examples
/// ```
/// use std::time::Duration;
/// use prismq::{Missed, NewTask, Queue, Schedule};
///
/// # fn main() -> Result<(), prismq::Error> {
/// # let folder = tempfile::tempdir().unwrap();
/// # let queue = Queue::open(folder.path().join("queue.db"))?;
/// let schedule = Schedule::every("sync", Duration::from_secs(300), NewTask::new("sync", []))
///     .missed(Missed::Skip)
///     .no_overlap();
/// queue.schedules().set(&schedule)?;
/// # Ok(())
/// # }
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
#[must_use = "store it by Schedules::set"]
pub struct Schedule {
    pub(crate) name: Arc<str>,
    pub(crate) rule: Rule,
    pub(crate) missed: Missed,
    /// Whether a task is enqueued while the last one is not done.
    pub(crate) overlap: bool,
    pub(crate) task: NewTask,
}

impl Schedule {
    /// A schedule that enqueues this task each time the interval has passed, first one interval after it is set.
    ///
    /// The times are fixed: each is the one before plus the interval, however late its task was enqueued or done.
    pub fn every<T>(name: impl Into<Arc<str>>, interval: Duration, task: impl IntoTask<T>) -> Self {
        Self::new(name.into(), When::Every(interval), task.into_task().untyped())
    }

    /// A schedule that enqueues this task at the times of a cron expression, in UTC unless another
    /// [time zone](Schedule::time_zone) is set. Needs the feature `cron`.
    ///
    /// The expression has five fields: minute, hour, day of the month, month, day of the week (0 and 7 are Sunday).
    /// A field is `*`, a number or a name (`MON`, `JAN`), a range `1-5`, a list `1,15`, or any of these with a step,
    /// `*/15`. If both the day of the month and that of the week are restricted, either is enough. `L` is the last day
    /// of the month, `5#2` the second Friday, `15W` the working day next to the 15th. `@hourly`, `@daily`, `@weekly`,
    /// `@monthly` and `@yearly` stand for the expressions of their name.
    ///
    /// Where the zone's clock is set forward, a time that does not exist runs at the first moment after the gap;
    /// where it is set back, a time that exists twice runs once, the first time. Expressions with a `*` in the field
    /// of the minute or the hour, such as `*/30 * * * *`, follow the clock instead: they run in both of the hours that
    /// have the same name, and not for one that does not exist.
    ///
    /// # Examples
    /// ```
    /// use prismq::{NewTask, Schedule, Timestamp};
    ///
    /// # fn main() -> Result<(), prismq::Error> {
    /// let nightly = Schedule::cron("nightly", "30 2 * * *", NewTask::new("report", []))
    ///     .time_zone("Europe/Berlin");
    /// let from = Timestamp::from_micros(1_774_656_000_000_000); // 2026-03-28, a day before the clock is set forward
    /// let next: Vec<String> = nightly.next_after(from, 3)?.iter().map(ToString::to_string).collect();
    /// assert_eq!(next, ["2026-03-28T01:30:00Z", "2026-03-29T01:00:00Z", "2026-03-30T00:30:00Z"]);
    /// # Ok(())
    /// # }
    /// ```
    #[cfg(feature = "cron")]
    pub fn cron<T>(
        name: impl Into<Arc<str>>,
        expression: impl Into<Arc<str>>,
        task: impl IntoTask<T>,
    ) -> Self {
        Self::new(name.into(), When::Cron(expression.into()), task.into_task().untyped())
    }

    fn new(name: Arc<str>, when: When, task: NewTask) -> Self {
        let rule = Rule { when, zone: rule::UTC.into() };
        Self { name, rule, missed: Missed::default(), overlap: true, task }
    }

    /// The time zone of a cron expression by its IANA name, such as `Europe/Berlin`; `UTC` unless set. Needs the
    /// feature `cron`.
    #[cfg(feature = "cron")]
    pub fn time_zone(mut self, name: impl Into<Arc<str>>) -> Self {
        self.rule.zone = name.into();
        self
    }

    /// What happens with slots that were missed; [`Missed::Once`] unless set.
    pub const fn missed(mut self, missed: Missed) -> Self {
        self.missed = missed;
        self
    }

    /// Drops a slot whose time comes while the task enqueued last is neither completed nor dead.
    pub const fn no_overlap(mut self) -> Self {
        self.overlap = false;
        self
    }

    /// The next times after another one, up to this many. An interval is counted from `time`, as if it was set then.
    ///
    /// # Errors
    /// [`Error::InvalidInput`] for a rule that no schedule can have, or more than [`NEXT_RUNS_MAX`] times.
    pub fn next_after(&self, time: impl Into<Timestamp>, count: usize) -> Result<Vec<Timestamp>> {
        let time = time.into();
        self.rule.validate()?;
        self.rule.next_after(time, time, count)
    }

    /// Whether it can be stored.
    pub(crate) fn validate(&self) -> Result<()> {
        validate_name("schedule name", &self.name)?;
        self.task.validate()?;
        let bytes = self.task.payload.len();
        if bytes > SCHEDULE_PAYLOAD_BYTES_MAX {
            return Err(Error::invalid(
                "payload",
                format!("{bytes} bytes, a schedule's may have {SCHEDULE_PAYLOAD_BYTES_MAX}"),
            ));
        }
        let times = [
            ("a delay", !self.task.delay.is_zero()),
            ("a time at which it is due (run_at)", self.task.run_at.is_some()),
        ];
        if let Some((time, _)) = times.iter().find(|(_, is_set)| *is_set) {
            let reason = format!("its task has {time}: leave it out, a task is due at its slot");
            return Err(Error::invalid("schedule", reason));
        }
        self.rule.validate()
    }
}

fn validate_interval(interval: Duration) -> Result<()> {
    if !(INTERVAL_MIN..=INTERVAL_MAX).contains(&interval) {
        return Err(Error::invalid(
            "interval",
            format!("{interval:?}, must be {INTERVAL_MIN:?} to {INTERVAL_MAX:?}"),
        ));
    }
    Ok(())
}

fn validate_count(count: usize) -> Result<()> {
    if count > NEXT_RUNS_MAX {
        let reason = format!("{count}, at most {NEXT_RUNS_MAX} times are computed in one call");
        return Err(Error::invalid("count", reason));
    }
    Ok(())
}
