//! Queues and types with their settings and counters: a row each, however many tasks they hold.

use rusqlite::{Connection, OptionalExtension, Result, Row};

use crate::engine::sqlite::batch::kept::retention;
use crate::engine::sqlite::batch::queues::order;
use crate::engine::sqlite::ops::settings::retry;
use crate::model::{Names, QueueInfo, QueueStats, RetryInfo, TypeInfo};

macro_rules! select {
    ($which:literal) => {
        concat!(
            "SELECT q.ready, q.scheduled, q.leased, q.dead, q.enqueued, q.completed, q.failed, q.reclaimed,
                    q.kept, q.paused, coalesce(m.cancelled_kept, 0), coalesce(m.cancelled, 0),
                    coalesce(m.deleted, 0), q.id, q.name, q.ordering, q.ageing_step,
                    coalesce((SELECT count FROM prismq_expired WHERE queue = q.id), 0),
                    (SELECT most FROM prismq_depth WHERE queue = q.id), q.concurrency
             FROM prismq_queue AS q LEFT JOIN prismq_removed AS m ON m.queue = q.id ",
            $which
        )
    };
}

/// A queue.
pub(crate) const QUEUE: &str = select!("WHERE q.name = ?1");
/// All queues.
pub(crate) const QUEUES: &str = select!("ORDER BY q.name");
/// All types.
pub(crate) const TYPES: &str = "SELECT DISTINCT q.name, l.type, l.requirements
     FROM prismq_lane AS l JOIN prismq_queue AS q ON q.id = l.queue WHERE l.id > 0";

/// The counters of a queue; all zero for one that does not exist.
pub(super) fn stats(connection: &Connection, queue: &str) -> Result<QueueStats> {
    let read = connection.prepare_cached(QUEUE)?.query_row([queue], counters).optional();
    read.map(Option::unwrap_or_default)
}

/// Every queue, in the order of their names.
pub(super) fn queues(connection: &Connection) -> Result<Vec<QueueInfo>> {
    let mut select = connection.prepare_cached(QUEUES)?;
    let mut rows = select.query([])?;
    let mut queues = Vec::new();
    while let Some(row) = rows.next()? {
        let kept = retention::of(connection, row.get(13)?)?;
        queues.push(QueueInfo {
            name: row.get(14)?,
            order: order(row.get(15)?, row.get(16)?)?,
            retention: kept.map(|kept| kept.retention).unwrap_or_default(),
            concurrency: row.get(19)?,
            stats: counters(row)?,
        });
    }
    Ok(queues)
}

/// Every combination of queue, type and requirements, in the order of these names.
pub(super) fn types(connection: &Connection) -> Result<Vec<TypeInfo>> {
    let mut types: Vec<TypeInfo> = connection
        .prepare_cached(TYPES)?
        .query_map([], |row| {
            Ok(TypeInfo {
                queue: row.get(0)?,
                task_type: row.get(1)?,
                requirements: Names::from_text(row.get_ref(2)?.as_str()?).to_strings(),
            })
        })?
        .collect::<Result<_>>()?;
    types.sort_unstable();
    Ok(types)
}

/// The retry policies that are set, by type.
pub(crate) const RETRY_POLICIES: &str =
    "SELECT initial, longest, multiplier, jitter, type, by_operator
     FROM prismq_retry ORDER BY type";

/// Every retry policy, in the order of the types' names.
pub(super) fn retry_policies(connection: &Connection) -> Result<Vec<RetryInfo>> {
    let info = |row: &Row<'_>| {
        Ok(RetryInfo {
            policy: retry::policy(row)?,
            task_type: row.get(4)?,
            by_operator: row.get(5)?,
        })
    };
    connection.prepare_cached(RETRY_POLICIES)?.query_map([], info)?.collect()
}

fn counters(row: &Row<'_>) -> Result<QueueStats> {
    Ok(QueueStats {
        ready: row.get(0)?,
        scheduled: row.get(1)?,
        leased: row.get(2)?,
        dead: row.get(3)?,
        enqueued: row.get(4)?,
        completed: row.get(5)?,
        failed: row.get(6)?,
        reclaimed: row.get(7)?,
        kept: row.get(8)?,
        paused: row.get(9)?,
        cancelled_kept: row.get(10)?,
        cancelled: row.get(11)?,
        deleted: row.get(12)?,
        expired: row.get(17)?,
        depth_limit: row.get(18)?,
    })
}
