//! Reading what a task keeps beyond its row.

use rusqlite::{Connection, OptionalExtension, Result, Row};

use crate::engine::sqlite::schema::state;
use crate::model::{Attempt, Ending, LogLine, Progress, TaskInfo};
use crate::time::Timestamp;

/// The failed attempts of a task, in order.
pub(crate) const ATTEMPTS: &str =
    "SELECT attempt, began_at, ended_at, process, worker, error, error_type FROM prismq_attempt
     WHERE task = ?1 ORDER BY token";
/// How far a task has come, and its checkpoint.
pub(crate) const NOTE: &str =
    "SELECT fraction, text, noted_at, checkpoint FROM prismq_note WHERE task = ?1";
/// What was logged with a task, in order.
pub(crate) const LINES: &str =
    "SELECT at, attempt, text FROM prismq_log WHERE task = ?1 ORDER BY number";
/// The state of a task, with its error and its result.
pub(crate) const ENDING: &str = "SELECT state, error, NULL FROM prismq_task WHERE id = ?1
     UNION ALL
     SELECT state, NULL, (SELECT data FROM prismq_result WHERE prismq_result.task = prismq_kept.task)
     FROM prismq_kept WHERE prismq_kept.task = ?1";
/// The result of a task.
pub(crate) const RESULT: &str = "SELECT data FROM prismq_result WHERE task = ?1";

/// Adds to a task what is kept beyond its row.
pub(crate) fn add(connection: &Connection, task: &mut TaskInfo) -> Result<()> {
    let id = task.id.as_i64();
    task.attempts = all(connection, ATTEMPTS, id, attempt)?;
    task.log = all(connection, LINES, id, line)?;
    task.result = result(connection, id)?;
    let note = connection.prepare_cached(NOTE)?.query_row([id], note).optional()?;
    (task.progress, task.checkpoint) = note.unwrap_or_default();
    Ok(())
}

/// How a task ended, if it has.
pub(crate) fn ending(connection: &Connection, task: i64) -> Result<Option<Ending>> {
    let read = |row: &Row<'_>| Ok((row.get(0)?, row.get(1)?, row.get(2)?));
    let found: Option<(i64, Option<String>, Option<Vec<u8>>)> =
        connection.prepare_cached(ENDING)?.query_row([task], read).optional()?;
    Ok(match found {
        None => Some(Ending::NotKept),
        Some((state::COMPLETED | state::COMPLETED_BY_TYPE, _, result)) => {
            Some(Ending::Completed(result))
        }
        Some((state::CANCELLED | state::CANCELLED_BY_TYPE, ..)) => Some(Ending::Cancelled),
        Some((state::DEAD, error, _)) => Some(Ending::Dead(error.unwrap_or_default())),
        Some(_) => None,
    })
}

/// The result of a task, if it has one.
fn result(connection: &Connection, task: i64) -> Result<Option<Vec<u8>>> {
    connection.prepare_cached(RESULT)?.query_row([task], |row| row.get(0)).optional()
}

/// The checkpoint of a task, if it has one.
pub(crate) fn checkpoint(connection: &Connection, task: i64) -> Result<Option<Vec<u8>>> {
    let note = connection.prepare_cached(NOTE)?.query_row([task], note).optional()?;
    Ok(note.and_then(|(_, checkpoint)| checkpoint))
}

fn all<T>(
    connection: &Connection,
    select: &str,
    task: i64,
    read: fn(&Row<'_>) -> Result<T>,
) -> Result<Vec<T>> {
    connection.prepare_cached(select)?.query_map([task], read)?.collect()
}

fn note(row: &Row<'_>) -> Result<(Option<Progress>, Option<Vec<u8>>)> {
    let progress = match row.get::<_, Option<f64>>(0)? {
        Some(fraction) => {
            let at = Timestamp::from_micros(row.get(2)?);
            Some(Progress { fraction, text: row.get(1)?, at })
        }
        None => None,
    };
    Ok((progress, row.get(3)?))
}

fn line(row: &Row<'_>) -> Result<LogLine> {
    let at = Timestamp::from_micros(row.get(0)?);
    Ok(LogLine { at, attempt: row.get(1)?, text: row.get(2)? })
}

fn attempt(row: &Row<'_>) -> Result<Attempt> {
    Ok(Attempt {
        attempt: row.get(0)?,
        began_at: row.get::<_, Option<i64>>(1)?.map(Timestamp::from_micros),
        ended_at: Timestamp::from_micros(row.get(2)?),
        process: row.get(3)?,
        worker: row.get(4)?,
        error: row.get(5)?,
        error_type: row.get(6)?,
    })
}
