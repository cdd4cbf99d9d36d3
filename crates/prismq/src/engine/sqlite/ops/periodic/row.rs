//! The row of a schedule. One that is damaged stops its own schedule and no other.

use std::time::Duration;

use rusqlite::{OptionalExtension, Row, params};

use super::STOP;
use crate::engine::sqlite::connection::path_of;
use crate::engine::sqlite::error;
use crate::engine::sqlite::writer::Writer;
use crate::model::{Missed, Names, NewTask, Result, Rule, Schedule, Slots, TaskId, When};
use crate::time::Timestamp;

/// A schedule by its number.
pub(crate) const STORED: &str =
    "SELECT name, interval, cron, zone, anchor, missed, overlap, paused,
         next_at, last_task, queue, type, requirements, priority, max_attempts, payload
     FROM prismq_schedule WHERE id = ?1";

/// A schedule as it is stored.
#[derive(Debug)]
pub(super) struct Stored {
    pub(super) id: i64,
    pub(super) of: Schedule,
    /// What an interval is counted from.
    pub(super) anchor: Timestamp,
    pub(super) paused: bool,
    pub(super) next_at: Option<Timestamp>,
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
    let task = NewTask { requirements: Names::from_text(row.get_ref(12)?.as_str()?), ..task };
    task.validate().map_err(|invalid| error::damaged(invalid.to_string()))?;
    let of = Schedule {
        name: row.get::<_, String>(0)?.into(),
        rule: rule(row, 1)?,
        missed: missed(row, 5)?,
        overlap: row.get(6)?,
        task,
    };
    Ok(Stored {
        id,
        of,
        anchor: Timestamp::from_micros(row.get(4)?),
        paused: row.get(7)?,
        next_at: row.get::<_, Option<i64>>(8)?.map(Timestamp::from_micros),
        last_task: row.get::<_, Option<i64>>(9)?.map(TaskId::from_i64),
    })
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
