//! The row of a schedule. One that cannot be read stops its own schedule and no other.

use std::sync::Arc;
use std::time::Duration;

use tokio_postgres::Row;

use crate::engine::postgres::batch::queues::unknown;
use crate::engine::postgres::client::{Columns, Value};
use crate::engine::postgres::ops::enqueue::unique::{PERIOD, UNTIL_DONE, WHILE_WAITING};
use crate::model::{
    Error, Hold, LimitUse, Missed, Names, NewTask, OnConflict, Result, Rule, Schedule, Slots,
    TaskId, Unique, When,
};
use crate::time::Timestamp;

/// The columns of a schedule that [`Stored::read`] reads.
macro_rules! stored {
    ($rest:literal) => {
        concat!(
            "SELECT id, name, interval, cron, zone, anchor, missed, overlap, paused, next_at, last_task, queue, type,
         requirements, priority, max_attempts, payload, held_slot, limit_name, key, ordered, unique_hold, unique_key,
         unique_period, on_conflict, expires_after
     FROM prismq.schedule ",
            $rest
        )
    };
}
pub(super) use stored;

const KEEP: i16 = 0;
const REPLACE: i16 = 1;
const PUSH_BACK: i16 = 2;

/// A schedule as it is stored.
#[derive(Debug)]
pub(super) struct Stored {
    pub(super) id: i32,
    pub(super) of: Schedule,
    /// What an interval is counted from.
    pub(super) anchor: Timestamp,
    pub(super) paused: bool,
    /// The slot that is next, or that waits for room in its queue.
    pub(super) next_slot: Option<Timestamp>,
    /// Whether that slot waits.
    pub(super) is_held: bool,
    pub(super) last_task: Option<TaskId>,
}

impl Stored {
    pub(super) fn read(row: &Row) -> Result<Self> {
        let max_attempts: u32 = row.number(15)?;
        let task = NewTask::new(row.column::<String>(12)?, row.column::<Vec<u8>>(16)?)
            .queue(row.column::<String>(11)?)
            .priority(row.column(14)?)
            .max_attempts(max_attempts);
        let task = NewTask {
            requirements: Names::from_text(row.column(13)?),
            limit: LimitUse { name: name(row, 18)?, key: name(row, 19)?, ordered: row.column(20)? },
            unique: unique(row)?,
            expires_after: duration(row, 25)?,
            ..task
        };
        task.validate()?;
        let of = Schedule {
            name: row.column::<String>(1)?.into(),
            rule: rule(row, 2)?,
            missed: missed(row, 6)?,
            overlap: row.column(7)?,
            task,
        };
        let next_at = row.time_if_any(9)?;
        let held = row.time_if_any(17)?.filter(|_| next_at.is_some());
        Ok(Self {
            id: row.column(0)?,
            of,
            anchor: row.time(5)?,
            paused: row.column(8)?,
            next_slot: held.or(next_at),
            is_held: held.is_some(),
            last_task: row.column::<Option<i64>>(10)?.map(TaskId::from_i64),
        })
    }

    pub(super) fn slots(&self) -> Result<Slots> {
        self.of.rule.slots(self.anchor)
    }
}

/// The columns of a schedule that say what it is, from `interval` and `cron` to `expires_after`.
#[derive(Debug)]
pub(super) struct Definition<'a> {
    interval: Option<i64>,
    cron: Option<&'a str>,
    zone: &'a str,
    missed: i16,
    overlap: bool,
    queue: &'a str,
    task_type: &'a str,
    requirements: String,
    priority: i32,
    max_attempts: i32,
    payload: &'a [u8],
    limit: Option<&'a str>,
    key: Option<&'a str>,
    ordered: bool,
    hold: Option<i16>,
    unique_key: Option<&'a str>,
    period: Option<i64>,
    on_conflict: i16,
    expires_after: Option<i64>,
}

impl<'a> Definition<'a> {
    pub(super) fn of(schedule: &'a Schedule) -> Self {
        let micros = |time: Duration| i64::try_from(time.as_micros()).unwrap_or(i64::MAX);
        let (interval, cron) = match &schedule.rule.when {
            When::Every(interval) => (Some(micros(*interval)), None),
            When::Cron(expression) => (None, Some(&**expression)),
        };
        let task = &schedule.task;
        let (hold, period) = match task.unique.as_ref().map(|rule| rule.hold) {
            None => (None, None),
            Some(Hold::WhileWaiting) => (Some(WHILE_WAITING), None),
            Some(Hold::UntilDone) => (Some(UNTIL_DONE), None),
            Some(Hold::Period(period)) => (Some(PERIOD), Some(micros(period))),
        };
        let on_conflict = match task.unique.as_ref().map(|rule| rule.on_conflict) {
            None | Some(OnConflict::Keep) => KEEP,
            Some(OnConflict::Replace) => REPLACE,
            Some(OnConflict::PushBack) => PUSH_BACK,
        };
        Self {
            interval,
            cron,
            zone: &schedule.rule.zone,
            missed: match schedule.missed {
                Missed::Skip => 0,
                Missed::Once => 1,
                Missed::All => 2,
            },
            overlap: schedule.overlap,
            queue: &task.queue,
            task_type: &task.task_type,
            requirements: task.requirements.to_text(),
            priority: task.priority,
            max_attempts: i32::try_from(task.max_attempts).unwrap_or(i32::MAX),
            payload: &task.payload,
            limit: task.limit.name.as_deref(),
            key: task.limit.key.as_deref(),
            ordered: task.limit.ordered,
            hold,
            unique_key: task.unique.as_ref().and_then(|rule| rule.key.as_deref()),
            period,
            on_conflict,
            expires_after: task.expires_after.map(micros),
        }
    }

    pub(super) fn values(&self) -> [&dyn Value; 19] {
        [
            &self.interval,
            &self.cron,
            &self.zone,
            &self.missed,
            &self.overlap,
            &self.queue,
            &self.task_type,
            &self.requirements,
            &self.priority,
            &self.max_attempts,
            &self.payload,
            &self.limit,
            &self.key,
            &self.ordered,
            &self.hold,
            &self.unique_key,
            &self.period,
            &self.on_conflict,
            &self.expires_after,
        ]
    }
}

fn name(row: &Row, column: usize) -> Result<Option<Arc<str>>> {
    Ok(row.column::<Option<&str>>(column)?.map(Arc::from))
}

fn duration(row: &Row, column: usize) -> Result<Option<Duration>> {
    let micros: Option<i64> = row.column(column)?;
    Ok(micros.map(|micros| Duration::from_micros(u64::try_from(micros).unwrap_or(0))))
}

/// When the task of a schedule is a duplicate, from its columns.
fn unique(row: &Row) -> Result<Option<Unique>> {
    let hold = match (row.column::<Option<i16>>(21)?, duration(row, 23)?) {
        (None, _) => return Ok(None),
        (Some(WHILE_WAITING), _) => Hold::WhileWaiting,
        (Some(PERIOD), Some(period)) => Hold::Period(period),
        (Some(UNTIL_DONE), _) => Hold::UntilDone,
        (Some(other), _) => return Err(unknown("a schedule has the unique hold", other.into())),
    };
    let on_conflict = match row.column(24)? {
        KEEP => OnConflict::Keep,
        REPLACE => OnConflict::Replace,
        PUSH_BACK => OnConflict::PushBack,
        other => return Err(unknown("a schedule resolves conflicts by", i64::from(other))),
    };
    Ok(Some(Unique { key: name(row, 22)?, hold, on_conflict, digest: None }))
}

/// The rule in the columns `interval`, `cron` and `zone`, of which `first` is the first.
pub(crate) fn rule(row: &Row, first: usize) -> Result<Rule> {
    let when = match (duration(row, first)?, row.column::<Option<&str>>(first + 1)?) {
        (_, Some(cron)) => When::Cron(cron.into()),
        (Some(interval), None) => When::Every(interval),
        (None, None) => {
            return Err(Error::invalid("schedule", "it has neither interval nor expression"));
        }
    };
    Ok(Rule { when, zone: row.column::<&str>(first + 2)?.into() })
}

/// What is done with missed slots, from this column.
pub(crate) fn missed(row: &Row, column: usize) -> Result<Missed> {
    match row.column::<i16>(column)? {
        0 => Ok(Missed::Skip),
        1 => Ok(Missed::Once),
        2 => Ok(Missed::All),
        other => Err(unknown("a schedule treats missed slots by", other.into())),
    }
}
