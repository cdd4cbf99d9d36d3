//! What tasks keep beyond their rows: failed attempts, what handlers note, and results, in tables of their own, so that
//! no claim pays for them.

use std::process;
use std::rc::Rc;

use rusqlite::types::Value;
use rusqlite::{Connection, Result, params};

use crate::engine::sqlite::schema::Features;
use crate::model::limits::{ATTEMPT_ERROR_BYTES_MAX, ATTEMPTS_KEPT_MAX};
use crate::model::{Failure, LeaseKey};
use crate::time::Timestamp;

/// Records a failed attempt of a task that exists. Only a damaged file has another with its token.
pub(crate) const ADD_ATTEMPT: &str =
    "INSERT OR REPLACE INTO prismq_attempt (task, token, attempt, began_at, ended_at, process, worker, error, error_type)
     SELECT id, token, attempt, ?2, ?3, ?4, ?5, ?6, ?7 FROM prismq_task WHERE id = ?1";
/// Deletes the attempts of a task beyond those that are kept.
pub(crate) const PRUNE_ATTEMPTS: &str = "DELETE FROM prismq_attempt WHERE task = ?1 AND token <=
         (SELECT token FROM prismq_attempt WHERE task = ?1 ORDER BY token DESC LIMIT 1 OFFSET ?2)";
/// Adds the result of a task that is about to be kept.
pub(crate) const ADD_RESULT: &str = "INSERT INTO prismq_result (task, data) VALUES (?1, ?2)";
/// Deletes the attempts of tasks.
pub(crate) const DELETE_ATTEMPTS: &str =
    "DELETE FROM prismq_attempt WHERE task IN (SELECT value FROM rarray(?1))";
/// Deletes the results of tasks.
pub(crate) const DELETE_RESULTS: &str =
    "DELETE FROM prismq_result WHERE task IN (SELECT value FROM rarray(?1))";

/// Deletes what handlers noted of tasks.
pub(crate) const DELETE_NOTES: &str =
    "DELETE FROM prismq_note WHERE task IN (SELECT value FROM rarray(?1))";
/// Deletes what handlers logged with tasks.
pub(crate) const DELETE_LOGS: &str =
    "DELETE FROM prismq_log WHERE task IN (SELECT value FROM rarray(?1))";

/// Whether a task may have rows here that is completed or deleted by the lease with this token.
pub(crate) const fn may_have(features: Features, token: i64) -> bool {
    token > 1 || features.has(Features::NOTES)
}

/// Records a failed attempt by the lease with this key, whose task exists.
pub(crate) fn add_attempt(
    connection: &Connection,
    now: Timestamp,
    key: &LeaseKey,
    failure: &Failure,
) -> Result<()> {
    let worker = failure.worker.map(|worker| i64::try_from(worker).unwrap_or(i64::MAX));
    connection.prepare_cached(ADD_ATTEMPT)?.execute(params![
        key.id.as_i64(),
        failure.began_at.as_micros(),
        now.as_micros(),
        process::id(),
        worker,
        cut(&failure.error),
        failure.error_type,
    ])?;
    prune_attempts(connection, key.id.as_i64(), key.token)
}

/// Records that the lease of an attempt expired.
pub(crate) fn add_expired(
    connection: &Connection,
    now: Timestamp,
    task: i64,
    token: i64,
    error: &str,
) -> Result<()> {
    let unknown = None::<i64>;
    connection.prepare_cached(ADD_ATTEMPT)?.execute(params![
        task,
        unknown,
        now.as_micros(),
        unknown,
        unknown,
        error,
        None::<&str>,
    ])?;
    prune_attempts(connection, task, token)
}

/// Each attempt has a token of its own: with so low a token there cannot be too many.
fn prune_attempts(connection: &Connection, task: i64, token: i64) -> Result<()> {
    if token > i64::from(ATTEMPTS_KEPT_MAX) {
        connection.prepare_cached(PRUNE_ATTEMPTS)?.execute(params![task, ATTEMPTS_KEPT_MAX])?;
    }
    Ok(())
}

/// Deletes all that tasks keep here, as the tasks are deleted.
pub(crate) fn delete(
    connection: &Connection,
    features: Features,
    tasks: &Rc<Vec<Value>>,
) -> Result<()> {
    if tasks.is_empty() {
        return Ok(());
    }
    let of_notes: &[&str] =
        if features.has(Features::NOTES) { &[DELETE_NOTES, DELETE_LOGS] } else { &[] };
    for sql in [DELETE_ATTEMPTS, DELETE_RESULTS].iter().chain(of_notes) {
        connection.prepare_cached(sql)?.execute([tasks.clone()])?;
    }
    Ok(())
}

/// A text cut to what is kept of it.
fn cut(error: &str) -> &str {
    error.get(..error.floor_char_boundary(ATTEMPT_ERROR_BYTES_MAX)).unwrap_or(error)
}
