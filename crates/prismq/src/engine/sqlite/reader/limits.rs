//! Reading the limits that are set, with their tasks.

use rusqlite::{Connection, Result, Row};

use crate::engine::sqlite::ops::settings::limits::limit_at;
use crate::model::LimitInfo;

/// The limits by name. Waiting tasks stand in the lanes of a limit, ready or as suspects.
const LIMITS: &str = "SELECT concurrency, tasks, period, burst,
            key_concurrency, key_tasks, key_period, key_burst, name, running,
            (SELECT count(*) FROM prismq_lane
                 CROSS JOIN prismq_task ON prismq_task.lane = prismq_lane.id AND prismq_task.state = 0
             WHERE prismq_lane.limits = prismq_limit.id)
          + (SELECT count(*) FROM prismq_lane
                 CROSS JOIN prismq_task ON prismq_task.lane = prismq_lane.id AND prismq_task.state = 5
             WHERE prismq_lane.limits = prismq_limit.id),
            (SELECT count(*) FROM prismq_key WHERE prismq_key.limits = prismq_limit.id)
     FROM prismq_limit WHERE removed = 0 ORDER BY name";

pub(super) fn limits(connection: &Connection) -> Result<Vec<LimitInfo>> {
    connection.prepare_cached(LIMITS)?.query_map([], info)?.collect()
}

fn info(row: &Row<'_>) -> Result<LimitInfo> {
    Ok(LimitInfo {
        limit: limit_at(row, 0)?,
        name: row.get(8)?,
        running: row.get(9)?,
        waiting: row.get(10)?,
        keys: row.get(11)?,
    })
}
