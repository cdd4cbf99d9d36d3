//! Cancelling tasks: one that waits ends at once, one that runs when its attempt does.
//!
//! A request to cancel a running task is a row that names the token of its lease. The pool that holds the task notifies
//! its handler. Whatever then ends the lease, except a completion, ends the task as cancelled: a failure, a release, its
//! expiry. Transactions look for requests only while a bit of the file says that there are some.

use rusqlite::{Connection, OptionalExtension, Result, params};

use super::Stored;
use crate::engine::sqlite::batch::kept::type_retention;
use crate::engine::sqlite::batch::ledger::Ledger;
use crate::engine::sqlite::schema::{Features, state};
use crate::engine::{Cancelled, Targets};
use crate::model::TaskId;

/// Requests that a running task be cancelled.
pub(crate) const REQUEST: &str = "INSERT INTO prismq_cancel (task, token) VALUES (?1, ?2)
     ON CONFLICT DO UPDATE SET token = excluded.token";
/// Of these tasks, those that are to be cancelled and do not run any more.
pub(crate) const STOPPED: &str =
    "SELECT t.id, t.lane, t.state, t.token, t.payload IS NULL FROM prismq_cancel AS c
     JOIN prismq_task AS t ON t.id = c.task WHERE c.task = ?1 AND t.state != 2";
/// All tasks that are to be cancelled.
pub(crate) const REQUESTED: &str = "SELECT task, token FROM prismq_cancel";
/// Ends a request.
pub(crate) const END_REQUEST: &str = "DELETE FROM prismq_cancel WHERE task = ?1";
/// Whether a queue keeps cancelled tasks.
pub(crate) const KEEPS: &str =
    "SELECT cancelled IS NULL OR cancelled > 0 FROM prismq_retention WHERE queue = ?1";
/// Copies a task that is about to be cancelled.
pub(crate) const KEEP: &str =
    "INSERT INTO prismq_kept (task, queue, lane, priority, attempt, max_attempts, enqueued_at, run_at,
                       completed_at, completion, payload, error, state, recorded)
     SELECT id, ?2, iif(lane > 0, lane, (SELECT base FROM prismq_line WHERE prismq_line.lane = prismq_task.lane)),
            priority, attempt, max_attempts, enqueued_at, run_at, ?3,
            (SELECT coalesce(max(completion), 0) + 1 FROM prismq_kept WHERE queue = ?2 AND state = 6),
            payload, error, 6, token > 0
     FROM prismq_task WHERE id = ?1";

/// Cancels those of the tasks that wait, and requests it of those that run. Dead tasks have ended.
pub(crate) fn cancel(
    connection: &Connection,
    ledger: &mut Ledger,
    Targets { tasks, states }: &Targets,
) -> Result<Cancelled> {
    let mut cancelled = Cancelled::default();
    for target in tasks {
        let Some(task) = Stored::find(connection, *target, states)? else { continue };
        match task.state {
            state::DEAD => {}
            state::LEASED => {
                ledger.use_feature(connection, Features::CANCEL)?;
                connection.prepare_cached(REQUEST)?.execute([task.id, task.token])?;
                cancelled.requested.push((TaskId::from_i64(task.id), task.token));
            }
            _ => {
                end(connection, ledger, task)?;
                cancelled.ended += 1;
            }
        }
    }
    Ok(cancelled)
}

/// Ends a task as cancelled if that was requested and it does not run any more: `true` if so.
pub(crate) fn end_if_requested(
    connection: &Connection,
    ledger: &mut Ledger,
    id: i64,
) -> Result<bool> {
    if !ledger.features.has(Features::CANCEL) {
        return Ok(false);
    }
    let stopped = connection.prepare_cached(STOPPED)?.query_row([id], Stored::read).optional()?;
    let Some(task) = stopped else { return Ok(false) };
    end(connection, ledger, task)?;
    withdraw(connection, ledger, &[id])?;
    Ok(true)
}

/// Ends a task as cancelled that does not run any more.
pub(crate) fn end_stopped(connection: &Connection, ledger: &mut Ledger, id: TaskId) -> Result<()> {
    if let Some(task) = Stored::of(connection, id)? {
        end(connection, ledger, task)?;
    }
    withdraw(connection, ledger, &[id.as_i64()])
}

/// Ends all tasks as cancelled of which that was requested and whose leases have expired.
pub(crate) fn end_requested(connection: &Connection, ledger: &mut Ledger) -> Result<()> {
    if !ledger.features.has(Features::CANCEL) {
        return Ok(());
    }
    for (id, _) in requested(connection)? {
        end_if_requested(connection, ledger, id.as_i64())?;
    }
    Ok(())
}

/// Drops the requests to cancel these tasks, which have ended.
pub(crate) fn withdraw(connection: &Connection, ledger: &mut Ledger, ids: &[i64]) -> Result<()> {
    if !ledger.features.has(Features::CANCEL) {
        return Ok(());
    }
    let mut dropped = 0;
    for id in ids {
        dropped += connection.prepare_cached(END_REQUEST)?.execute([id])?;
    }
    if dropped > 0 && requested(connection)?.is_empty() {
        ledger.end_feature(connection, Features::CANCEL)?;
    }
    Ok(())
}

/// The running tasks that are to be cancelled, each with the token of its lease.
pub(crate) fn requested(connection: &Connection) -> Result<Vec<(TaskId, i64)>> {
    connection
        .prepare_cached(REQUESTED)?
        .query_map([], |row| Ok((TaskId::from_i64(row.get(0)?), row.get(1)?)))?
        .collect()
}

/// Ends a task as cancelled, and keeps it if its queue does so.
fn end(connection: &Connection, ledger: &mut Ledger, task: Stored) -> Result<()> {
    let Some(queue) = ledger.lanes.queue_of(connection, task.lane)? else {
        // Nobody knows its queue, which counts it nowhere.
        return task.remove(connection, ledger, false).map(drop);
    };
    let by_type = ledger.features.has(Features::TYPE_RETENTION)
        && type_retention::keep_cancelled(connection, queue, ledger.now, task.id)?;
    let keeps =
        connection.prepare_cached(KEEPS)?.query_row([queue], |row| row.get(0)).optional()?;
    let keeps = by_type || keeps.unwrap_or(false);
    if keeps && !by_type {
        let ended_at = ledger.now.wall.as_micros();
        connection.prepare_cached(KEEP)?.execute(params![task.id, queue, ended_at])?;
    }
    task.remove(connection, ledger, keeps)?;
    let counters = ledger.counters.of(queue);
    counters.cancelled += 1;
    counters.cancelled_kept += i64::from(keeps);
    counters.cancelled_kept_by_type += i64::from(by_type);
    Ok(())
}
