//! Reading schedules.

use super::Reading;
use crate::engine::postgres::client::{Columns, Row};
use crate::engine::postgres::ops::periodic::row::{missed, rule};
use crate::model::{Result, ScheduleInfo, TaskId};

/// Schedules in order of their names, all or one.
pub(crate) const SCHEDULES: &str =
    "SELECT name, interval, cron, zone, anchor, missed, overlap, paused,
         coalesce(held_slot, next_at), last_slot, last_task, enqueued, error, queue, type
     FROM prismq.schedule WHERE name = $1 OR $1 IS NULL ORDER BY name";

impl Reading<'_> {
    /// The schedules in order of their names; of one name only, if one is given.
    pub(crate) fn schedules(self, name: Option<&str>) -> Result<Vec<ScheduleInfo>> {
        self.rows(SCHEDULES, &[&name])?.iter().map(info).collect()
    }
}

fn info(row: &Row) -> Result<ScheduleInfo> {
    let stored_rule = rule(row, 1)?;
    Ok(ScheduleInfo {
        name: row.column(0)?,
        rule: stored_rule.to_string(),
        time_zone: stored_rule.zone.to_string(),
        queue: row.column(13)?,
        task_type: row.column(14)?,
        missed: missed(row, 5)?,
        overlap: row.column(6)?,
        paused: row.column(7)?,
        next_run: row.time_if_any(8)?,
        last_run: row.time_if_any(9)?,
        last_task: row.column::<Option<i64>>(10)?.map(TaskId::from_i64),
        enqueued: row.count(11)?,
        error: row.column(12)?,
        anchor: row.time(4)?,
        stored_rule,
    })
}
