//! Completed and cancelled tasks that are kept, in a table of their own, so that claims do not pay for them.

use std::rc::Rc;

use rusqlite::types::Value;
use rusqlite::{Connection, Result, params};

use crate::engine::DeferredLog;
use crate::engine::sqlite::batch::kept::records;
use crate::engine::sqlite::connection::path_of;
use crate::engine::sqlite::schema::Features;

/// Copies tasks that are about to be completed, without their keys; those of one transaction get the same completion
/// number.
pub(crate) const KEEP: &str =
    "INSERT INTO prismq_kept (task, queue, lane, priority, attempt, max_attempts, enqueued_at, run_at,
                       completed_at, completion, recorded, payload, error)
     SELECT id, ?2, iif(lane > 0, lane, (SELECT base FROM prismq_line WHERE prismq_line.lane = prismq_task.lane)),
            priority, attempt, max_attempts, enqueued_at, run_at, ?3,
            (SELECT coalesce(max(completion), 0) + 1 FROM prismq_kept WHERE queue = ?2 AND state = 4),
            token > 1 OR ?4, payload, error
     FROM prismq_task WHERE id IN (SELECT value FROM rarray(?1))";
/// Deletes the oldest of a queue's history.
pub(crate) const PRUNE: &str = "DELETE FROM prismq_kept
     WHERE task IN (SELECT task FROM prismq_kept WHERE queue = ?1 AND state = 4
                    ORDER BY completion, task LIMIT ?2)
     RETURNING task, payload IS NULL, recorded";

/// How many more tasks a queue keeps than it is set to.
const EXCESS: &str = "SELECT kept - keep FROM prismq_queue WHERE id = ?1";
/// The same, without those that are kept for the time of their type.
const EXCESS_BUT_TYPES: &str = "SELECT kept - keep - coalesce(
         (SELECT kept_by_type FROM prismq_removed WHERE prismq_removed.queue = prismq_queue.id), 0)
     FROM prismq_queue WHERE id = ?1";
/// Counts no task as kept but those that are kept for the time of their type.
const CORRECT: &str = "UPDATE prismq_queue SET kept = coalesce(
         (SELECT kept_by_type FROM prismq_removed WHERE prismq_removed.queue = prismq_queue.id), 0)
     WHERE id = ?1";

/// Deletes up to `most` of the tasks kept beyond the queue's setting, and returns how many are left to delete.
pub(crate) fn prune(
    connection: &Connection,
    features: Features,
    log: &DeferredLog,
    queue: i64,
    most: usize,
) -> Result<i64> {
    let select = if features.has(Features::TYPE_RETENTION) { EXCESS_BUT_TYPES } else { EXCESS };
    let excess: i64 = connection.prepare_cached(select)?.query_row([queue], |row| row.get(0))?;
    if excess <= 0 {
        return Ok(0);
    }
    let limit = excess.min(i64::try_from(most).unwrap_or(i64::MAX));
    let pruned: Vec<(i64, bool, bool)> = connection
        .prepare_cached(PRUNE)?
        .query_map(params![queue, limit], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)))?
        .collect::<Result<_>>()?;
    let recorded = pruned.iter().filter(|(_, _, recorded)| *recorded);
    let recorded: Vec<Value> = recorded.map(|(task, ..)| (*task).into()).collect();
    records::delete(connection, features, &Rc::new(recorded))?;
    for (task, out_of_line, _) in &pruned {
        if *out_of_line {
            connection
                .prepare_cached("DELETE FROM prismq_payload WHERE task = ?1")?
                .execute([task])?;
        }
    }
    let pruned = i64::try_from(pruned.len()).unwrap_or(i64::MAX);
    if pruned < limit {
        // The table holds fewer tasks than the counter says. A completion must not fail for that, and a caller
        // that prunes until no excess is left must terminate.
        let path = path_of(connection);
        log.add_on_commit(move || {
            tracing::warn!(
                path,
                queue,
                "history counter corrected: fewer tasks are kept than it said"
            );
        });
        connection.prepare_cached(CORRECT)?.execute([queue])?;
        return Ok(0);
    }
    connection
        .prepare_cached("UPDATE prismq_queue SET kept = kept - ?2 WHERE id = ?1")?
        .execute([queue, pruned])?;
    Ok(excess - pruned)
}
