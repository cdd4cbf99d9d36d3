//! The row of a schedule. One that is damaged stops its own schedule and no other.

use std::sync::Arc;
use std::time::Duration;

use rusqlite::{OptionalExtension, Row, params};

use super::STOP;
use crate::engine::sqlite::connection::path_of;
use crate::engine::sqlite::error;
use crate::engine::sqlite::ops::enqueue::unique::{PERIOD, UNTIL_DONE, WHILE_WAITING};
use crate::engine::sqlite::writer::Writer;
use crate::model::{
    Hold, LimitUse, Missed, Names, NewTask, OnConflict, Result, Rule, Schedule, Slots, TaskId,
    Unique, When,
};
use crate::time::Timestamp;

/// A schedule by its number.
pub(crate) const STORED: &str =
    "SELECT name, interval, cron, zone, anchor, missed, overlap, paused,
         next_at, last_task, queue, type, requirements, priority, max_attempts, payload, held_slot,
         limit_name, key, ordered, unique_hold, unique_key, unique_period, on_conflict, expires_after
     FROM prismq_schedule WHERE id = ?1";

const KEEP: i64 = 0;
const REPLACE: i64 = 1;
const PUSH_BACK: i64 = 2;

/// A schedule as it is stored.
#[derive(Debug)]
pub(super) struct Stored {
    pub(super) id: i64,
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
    pub(super) fn slots(&self) -> Result<Slots> {
        self.of.rule.slots(self.anchor)
    }
}

impl Writer {
    /// The schedule of this number. Inner error: its row is damaged.
    pub(super) fn stored(&self, id: i64) -> Result<Option<rusqlite::Result<Stored>>> {
        self.prepare(STORED)?
            .query_row([id], |row| Ok(stored(id, row)))
            .optional()
            .map_err(|error| self.failure(error))
    }

    /// The schedule of this number; if its row is damaged, it is stopped.
    pub(super) fn usable(&mut self, id: i64) -> Result<Option<Stored>> {
        match self.stored(id)? {
            None => Ok(None),
            Some(Ok(stored)) => Ok(Some(stored)),
            Some(Err(damage)) => {
                self.stop(id, format!("its row is damaged: {damage}")).map(|()| None)
            }
        }
    }

    /// Stops a schedule for this reason until it is set again.
    pub(super) fn stop(&mut self, id: i64, reason: String) -> Result<()> {
        self.execute(STOP, params![id, reason])?;
        let path = path_of(&self.connection);
        self.ledger.log.add_on_commit(move || {
            tracing::error!(path, schedule = id, reason, "a schedule is stopped: set it again");
        });
        Ok(())
    }
}

fn stored(id: i64, row: &Row<'_>) -> rusqlite::Result<Stored> {
    let task = NewTask::new(row.get::<_, String>(11)?, row.get::<_, Vec<u8>>(15)?)
        .queue(row.get::<_, String>(10)?)
        .priority(row.get(13)?)
        .max_attempts(row.get(14)?);
    let task = NewTask {
        requirements: Names::from_text(row.get_ref(12)?.as_str()?),
        limit: LimitUse { name: name(row, 17)?, key: name(row, 18)?, ordered: row.get(19)? },
        unique: unique(row)?,
        expires_after: duration(row, 24)?,
        ..task
    };
    task.validate().map_err(|invalid| error::damaged(invalid.to_string()))?;
    let of = Schedule {
        name: row.get::<_, String>(0)?.into(),
        rule: rule(row, 1)?,
        missed: missed(row, 5)?,
        overlap: row.get(6)?,
        task,
    };
    let next_at: Option<i64> = row.get(8)?;
    let held: Option<i64> = row.get::<_, Option<i64>>(16)?.filter(|_| next_at.is_some());
    Ok(Stored {
        id,
        of,
        anchor: Timestamp::from_micros(row.get(4)?),
        paused: row.get(7)?,
        next_slot: held.or(next_at).map(Timestamp::from_micros),
        is_held: held.is_some(),
        last_task: row.get::<_, Option<i64>>(9)?.map(TaskId::from_i64),
    })
}

fn name(row: &Row<'_>, column: usize) -> rusqlite::Result<Option<Arc<str>>> {
    Ok(row.get::<_, Option<String>>(column)?.map(Arc::from))
}

fn duration(row: &Row<'_>, column: usize) -> rusqlite::Result<Option<Duration>> {
    Ok(row.get::<_, Option<u64>>(column)?.map(Duration::from_micros))
}

/// When the task of a schedule is a duplicate, from its columns.
fn unique(row: &Row<'_>) -> rusqlite::Result<Option<Unique>> {
    let hold = match (row.get::<_, Option<i64>>(20)?, duration(row, 22)?) {
        (None, _) => return Ok(None),
        (Some(WHILE_WAITING), _) => Hold::WhileWaiting,
        (Some(UNTIL_DONE), _) => Hold::UntilDone,
        (Some(PERIOD), Some(period)) => Hold::Period(period),
        (Some(other), _) => return Err(rusqlite::Error::IntegralValueOutOfRange(20, other)),
    };
    let on_conflict = match row.get(23)? {
        KEEP => OnConflict::Keep,
        REPLACE => OnConflict::Replace,
        PUSH_BACK => OnConflict::PushBack,
        other => return Err(rusqlite::Error::IntegralValueOutOfRange(23, other)),
    };
    Ok(Some(Unique { key: name(row, 21)?, hold, on_conflict, digest: None }))
}

/// The columns `unique_hold`, `unique_period` and `on_conflict` of a rule.
pub(super) fn stored_unique(rule: &Unique) -> (i64, Option<Duration>, i64) {
    let (hold, period) = match rule.hold {
        Hold::WhileWaiting => (WHILE_WAITING, None),
        Hold::UntilDone => (UNTIL_DONE, None),
        Hold::Period(period) => (PERIOD, Some(period)),
    };
    let on_conflict = match rule.on_conflict {
        OnConflict::Keep => KEEP,
        OnConflict::Replace => REPLACE,
        OnConflict::PushBack => PUSH_BACK,
    };
    (hold, period, on_conflict)
}

/// The rule in the columns `interval`, `cron` and `zone`, of which `first` is the first.
pub(crate) fn rule(row: &Row<'_>, first: usize) -> rusqlite::Result<Rule> {
    let when = match (row.get::<_, Option<i64>>(first)?, row.get::<_, Option<String>>(first + 1)?) {
        (_, Some(cron)) => When::Cron(cron.into()),
        (Some(micros), None) => {
            let micros = u64::try_from(micros)
                .map_err(|_| rusqlite::Error::IntegralValueOutOfRange(first, micros))?;
            When::Every(Duration::from_micros(micros))
        }
        (None, None) => return Err(error::damaged("it has neither interval nor expression")),
    };
    Ok(Rule { when, zone: row.get::<_, String>(first + 2)?.into() })
}

/// What is done with missed slots, from this column.
pub(crate) fn missed(row: &Row<'_>, column: usize) -> rusqlite::Result<Missed> {
    match row.get(column)? {
        0 => Ok(Missed::Skip),
        1 => Ok(Missed::Once),
        2 => Ok(Missed::All),
        other => Err(rusqlite::Error::IntegralValueOutOfRange(column, other)),
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use crate::engine::Operation;
    use crate::engine::sqlite::tests::{NOW, writer};
    use crate::model::{Limit, NewTask, Schedule, Unique};
    use crate::time::ManualClock;

    #[test]
    fn a_task_is_read_as_it_was_set() {
        let (_folder, mut writer) = writer();
        let second = Duration::from_secs(1);
        let limit = Operation::SetLimit { name: "api".into(), limit: Limit::concurrency(1) };
        writer.apply(&ManualClock::new(NOW), &[limit]).unwrap().remove(0).unwrap();
        let task = || NewTask::new("job", *b"x");
        let tasks = [
            task().limit("api").priority(-7).requires(["gpu"]),
            task().key("k").ordered(),
            task().expires_after(second),
            task().unique(Unique::payload().while_waiting().push_back()),
            task().unique(Unique::key("k").for_period(second).replace()),
            task().unique(Unique::key("k")),
        ];
        for task in tasks {
            let schedule = Schedule::every("x", second, task);
            let set = Operation::SetSchedule(Box::new(schedule.clone()));
            writer.apply(&ManualClock::new(NOW), &[set]).unwrap().remove(0).unwrap();
            assert_eq!(writer.stored(1).unwrap().unwrap().unwrap().of, schedule);
        }
    }
}
