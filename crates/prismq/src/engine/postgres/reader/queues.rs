//! Queues and types with their settings and counters.

use std::time::Duration;

use super::Reading;
use crate::engine::postgres::batch::queues::order;
use crate::engine::postgres::client::{Columns, Row};
use crate::engine::postgres::ops::settings::retry::policy;
use crate::model::{Keep, Names, QueueInfo, QueueStats, Result, Retention, RetryInfo, TypeInfo};

macro_rules! select {
    ($which:literal, $rows:literal) => {
        concat!(
            "WITH a AS (SELECT * FROM prismq.counter ",
            $rows,
            " UNION ALL SELECT * FROM prismq.counter_delta ",
            $rows,
            "),
             c AS (SELECT queue, sum(ready)::bigint AS ready, sum(scheduled)::bigint AS scheduled,
                   sum(leased)::bigint AS leased, sum(dead)::bigint AS dead, sum(kept)::bigint AS kept,
                   sum(cancelled_kept)::bigint AS cancelled_kept, sum(enqueued)::bigint AS enqueued,
                   sum(completed)::bigint AS completed, sum(failed)::bigint AS failed,
                   sum(reclaimed)::bigint AS reclaimed, sum(cancelled)::bigint AS cancelled,
                   sum(deleted)::bigint AS deleted, sum(expired)::bigint AS expired FROM a GROUP BY queue)
             SELECT coalesce(c.ready, 0), coalesce(c.scheduled, 0), coalesce(c.leased, 0), coalesce(c.dead, 0),
                    coalesce(c.kept, 0), coalesce(c.cancelled_kept, 0), coalesce(c.enqueued, 0),
                    coalesce(c.completed, 0), coalesce(c.failed, 0), coalesce(c.reclaimed, 0),
                    coalesce(c.cancelled, 0), coalesce(c.deleted, 0), coalesce(c.expired, 0),
                    q.paused, q.depth, q.name, q.ordering, q.ageing_step, q.keep, q.completed_age, q.cancelled_keep,
                    q.cancelled_age, q.dead_keep, q.dead_age, q.concurrency
             FROM prismq.queue q LEFT JOIN c ON c.queue = q.id ",
            $which
        )
    };
}

/// A queue.
pub(crate) const QUEUE: &str =
    select!("WHERE q.name = $1", "WHERE queue = (SELECT id FROM prismq.queue WHERE name = $1)");
/// All queues.
pub(crate) const QUEUES: &str = select!("ORDER BY q.name", "");
/// All types.
pub(crate) const TYPES: &str = "SELECT DISTINCT q.name, l.type, l.requirements
     FROM prismq.lane l JOIN prismq.queue q ON q.id = l.queue";

/// The retry policies of task types.
pub(crate) const RETRY_POLICIES: &str = "SELECT type, by_operator, initial, longest, multiplier, jitter FROM prismq.retry ORDER BY type";

impl Reading<'_> {
    /// The retry policies of task types, by the types' names.
    pub(crate) fn retry_policies(self) -> Result<Vec<RetryInfo>> {
        let info = |row: &Row| {
            Ok(RetryInfo {
                task_type: row.column(0)?,
                by_operator: row.column(1)?,
                policy: policy(row, 2)?,
            })
        };
        self.rows(RETRY_POLICIES, &[])?.iter().map(info).collect()
    }

    /// The counters of a queue; all zero for one that does not exist.
    pub(crate) fn stats(self, queue: &str) -> Result<QueueStats> {
        self.row(QUEUE, &[&queue])?.map_or_else(|| Ok(QueueStats::default()), |row| counters(&row))
    }

    /// Every queue, in the order of their names.
    pub(crate) fn queues(self) -> Result<Vec<QueueInfo>> {
        let queue = |row: &Row| {
            Ok(QueueInfo {
                concurrency: row
                    .column::<Option<i32>>(24)?
                    .and_then(|tasks| u32::try_from(tasks).ok()),
                name: row.column(15)?,
                order: order(row.column(16)?, row.column(17)?)?,
                retention: Retention {
                    completed: keep(row, 18)?,
                    cancelled: keep(row, 20)?,
                    dead: keep(row, 22)?,
                },
                stats: counters(row)?,
            })
        };
        self.rows(QUEUES, &[])?.iter().map(queue).collect()
    }

    /// Every combination of queue, type and requirements, in the order of these names.
    pub(crate) fn types(self) -> Result<Vec<TypeInfo>> {
        let of = |row: &Row| {
            Ok(TypeInfo {
                queue: row.column(0)?,
                task_type: row.column(1)?,
                requirements: Names::from_text(row.column(2)?).to_strings(),
            })
        };
        let mut types: Vec<TypeInfo> =
            self.rows(TYPES, &[])?.iter().map(of).collect::<Result<_>>()?;
        types.sort_unstable();
        Ok(types)
    }
}

/// How many tasks are kept and for how long, from two columns.
fn keep(row: &Row, from: usize) -> Result<Keep> {
    let tasks: Option<i32> = row.column(from)?;
    let age: Option<i64> = row.column(from + 1)?;
    Ok(Keep {
        tasks: tasks.map(|tasks| u32::try_from(tasks).unwrap_or(0)),
        age: age.map(|age| Duration::from_micros(u64::try_from(age).unwrap_or(0))),
    })
}

fn counters(row: &Row) -> Result<QueueStats> {
    let depth: Option<i32> = row.column(14)?;
    Ok(QueueStats {
        ready: row.count(0)?,
        scheduled: row.count(1)?,
        leased: row.count(2)?,
        dead: row.count(3)?,
        kept: row.count(4)?,
        cancelled_kept: row.count(5)?,
        enqueued: row.count(6)?,
        completed: row.count(7)?,
        failed: row.count(8)?,
        reclaimed: row.count(9)?,
        cancelled: row.count(10)?,
        deleted: row.count(11)?,
        expired: row.count(12)?,
        paused: row.column(13)?,
        depth_limit: depth.and_then(|depth| u32::try_from(depth).ok()),
    })
}
