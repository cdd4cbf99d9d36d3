//! Reading schedules, and the slots of tasks.

use rusqlite::{OptionalExtension, Row};

use super::ReadConnection;
use crate::engine::sqlite::error;
use crate::engine::sqlite::ops::periodic::row::{missed, rule};
use crate::model::{Result, ScheduleInfo, TaskId};
use crate::time::Timestamp;

/// Schedules in order of their names, all or one.
const SCHEDULES: &str = "SELECT name, interval, cron, zone, anchor, missed, overlap, paused,
         coalesce(held_slot, next_at), last_slot, last_task, enqueued, error, queue, type
     FROM prismq_schedule WHERE name = ?1 OR ?1 IS NULL ORDER BY name";
/// The slot that a task was enqueued for.
pub(crate) const SLOT: &str = "SELECT slot FROM prismq_slot WHERE task = ?1";

impl ReadConnection {
    /// The schedules in order of their names; of one name only, if one is given.
    pub(crate) fn schedules(&self, name: Option<&str>) -> Result<Vec<ScheduleInfo>> {
        self.refuse_unusable()?;
        self.connection
            .prepare_cached(SCHEDULES)
            .and_then(|mut select| select.query_map([name], info)?.collect())
            .map_err(|error| error::classify(&self.path, error))
    }

    /// The slot that a task was enqueued for, if a schedule did.
    pub(super) fn slot(&self, task: TaskId) -> rusqlite::Result<Option<Timestamp>> {
        self.connection
            .prepare_cached(SLOT)?
            .query_row([task.as_i64()], |row| row.get(0))
            .optional()
            .map(|micros| micros.map(Timestamp::from_micros))
    }
}

fn info(row: &Row<'_>) -> rusqlite::Result<ScheduleInfo> {
    let stored_rule = rule(row, 1)?;
    let time = |column| -> rusqlite::Result<_> {
        Ok(row.get::<_, Option<i64>>(column)?.map(Timestamp::from_micros))
    };
    Ok(ScheduleInfo {
        name: row.get(0)?,
        rule: stored_rule.to_string(),
        time_zone: stored_rule.zone.to_string(),
        queue: row.get(13)?,
        task_type: row.get(14)?,
        missed: missed(row, 5)?,
        overlap: row.get(6)?,
        paused: row.get(7)?,
        next_run: time(8)?,
        last_run: time(9)?,
        last_task: row.get::<_, Option<i64>>(10)?.map(TaskId::from_i64),
        enqueued: row.get(11)?,
        error: row.get(12)?,
        anchor: Timestamp::from_micros(row.get(4)?),
        stored_rule,
    })
}
