//! Completed tasks that are kept: in a table of their own, so that they cost the others nothing.

use rusqlite::{Connection, Result, params};

use crate::engine::DeferredLog;

/// Copies tasks that are about to be completed; those of one transaction have one number.
pub(crate) const KEEP: &str =
    "INSERT INTO kept (task, queue, lane, priority, attempt, max_attempts, enqueued_at, run_at,
                       completed_at, completion, payload, error)
     SELECT id, ?2, lane, priority, attempt, max_attempts, enqueued_at, run_at, ?3,
            (SELECT coalesce(max(completion), 0) + 1 FROM kept WHERE queue = ?2), payload, error
     FROM task WHERE id IN (SELECT value FROM rarray(?1))";
/// Deletes those of a queue's history that were completed first.
pub(crate) const PRUNE: &str = "DELETE FROM kept
     WHERE task IN (SELECT task FROM kept WHERE queue = ?1 ORDER BY completion, task LIMIT ?2)
     RETURNING task, payload IS NULL";

/// Deletes up to `most` of what a queue keeps beyond what it is set to, and says how many are still too
/// many.
pub(crate) fn prune(
    connection: &Connection,
    log: &DeferredLog,
    queue: i64,
    most: usize,
) -> Result<i64> {
    let excess: i64 = connection
        .prepare_cached("SELECT kept - keep FROM queue WHERE id = ?1")?
        .query_row([queue], |row| row.get(0))?;
    if excess <= 0 {
        return Ok(0);
    }
    let limit = excess.min(i64::try_from(most).unwrap_or(i64::MAX));
    let pruned: Vec<(i64, bool)> = connection
        .prepare_cached(PRUNE)?
        .query_map(params![queue, limit], |row| Ok((row.get(0)?, row.get(1)?)))?
        .collect::<Result<_>>()?;
    for (task, apart) in &pruned {
        if *apart {
            connection.prepare_cached("DELETE FROM payload WHERE task = ?1")?.execute([task])?;
        }
    }
    let pruned = i64::try_from(pruned.len()).unwrap_or(i64::MAX);
    if pruned < limit {
        // None is left of a history that its counter said to be longer. A completion must not fail for it,
        // and whoever prunes until none is too many must come to an end.
        log.add_on_commit(move || {
            tracing::warn!(
                queue,
                "the history was shorter than its counter: the counter is set right"
            );
        });
        connection.prepare_cached("UPDATE queue SET kept = 0 WHERE id = ?1")?.execute([queue])?;
        return Ok(0);
    }
    connection
        .prepare_cached("UPDATE queue SET kept = kept - ?2 WHERE id = ?1")?
        .execute([queue, pruned])?;
    Ok(excess - pruned)
}
