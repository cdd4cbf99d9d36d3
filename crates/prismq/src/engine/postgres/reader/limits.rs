//! Reading the limits that are set, with their tasks.

use super::Reading;
use crate::engine::postgres::client::{Columns, Row};
use crate::engine::postgres::ops::settings::limits::limit_at;
use crate::model::{LimitInfo, Result};

/// The limits by name, with how many of their tasks run and how many are ready.
pub(crate) const LIMITS: &str = "SELECT concurrency, tasks, period, burst, key_concurrency, key_tasks, key_period, key_burst,
         name, (SELECT count(*) FROM prismq.slot s WHERE s.limits = m.id),
         (SELECT coalesce(sum((SELECT count(*) FROM prismq.ready r WHERE r.lane = l.id)), 0)::bigint
          FROM prismq.lane l WHERE l.limits = m.id)
         + (SELECT coalesce(sum((SELECT count(*) FROM prismq.ready r WHERE r.lane = n.id)), 0)::bigint
            FROM prismq.lane l JOIN prismq.line n ON n.lane = l.id WHERE l.limits = m.id),
         (SELECT count(*) FROM prismq.key k WHERE k.limits = m.id)
     FROM prismq.limits m WHERE name IS NOT NULL AND NOT removed ORDER BY name";

impl Reading<'_> {
    /// The limits that are set, by name.
    pub(crate) fn limits(self) -> Result<Vec<LimitInfo>> {
        self.rows(LIMITS, &[])?.iter().map(info).collect()
    }
}

fn info(row: &Row) -> Result<LimitInfo> {
    Ok(LimitInfo {
        limit: limit_at(row, 0)?,
        name: row.column(8)?,
        running: row.count(9)?,
        waiting: row.count(10)?,
        keys: row.count(11)?,
    })
}
