//! What handlers note of their tasks: progress, checkpoints, log lines. Fenced as a settlement is.

use rusqlite::{Connection, params};

use super::lost;
use crate::engine::Answer;
use crate::engine::sqlite::batch::ledger::Ledger;
use crate::engine::sqlite::schema::Features;
use crate::engine::sqlite::writer::Writer;
use crate::model::limits::LOG_LINES_MAX;
use crate::model::{LeaseKey, Note, Result};

/// Whether a task is held with this token.
pub(crate) const HOLDS: &str =
    "SELECT 1 FROM prismq_task WHERE id = ?1 AND token = ?2 AND state = 2";
/// Sets how far a task has come.
pub(crate) const SET_PROGRESS: &str =
    "INSERT INTO prismq_note (task, fraction, text, noted_at) VALUES (?1, ?2, ?3, ?4)
     ON CONFLICT (task) DO UPDATE SET
         fraction = excluded.fraction, text = excluded.text, noted_at = excluded.noted_at";
/// Sets a task's checkpoint.
pub(crate) const SET_CHECKPOINT: &str = "INSERT INTO prismq_note (task, checkpoint) VALUES (?1, ?2)
     ON CONFLICT (task) DO UPDATE SET checkpoint = excluded.checkpoint";
/// Adds a log line to a task.
pub(crate) const ADD_LINE: &str = "INSERT INTO prismq_log (task, number, at, attempt, text)
     SELECT ?1, coalesce(max(number), 0) + 1, ?2, ?3, ?4 FROM prismq_log WHERE task = ?1";
/// Deletes the log lines of a task beyond those that are kept.
pub(crate) const PRUNE_LINES: &str = "DELETE FROM prismq_log WHERE task = ?1 AND number <=
         (SELECT max(number) FROM prismq_log WHERE task = ?1) - ?2";

impl Writer {
    /// Outer error: SQL failed. Inner: the lease was lost.
    pub(crate) fn note(&mut self, key: &LeaseKey, note: &Note) -> Result<Result<Answer>> {
        self::note(&self.connection, &mut self.ledger, key, note)
            .map(|noted| noted.map(|()| Answer::Noted))
            .map_err(|error| self.failure(error))
    }
}

/// Keeps what a handler notes of its task, in the transaction in progress on this connection. Inner error: the lease
/// was lost.
pub(crate) fn note(
    connection: &Connection,
    ledger: &mut Ledger,
    key: &LeaseKey,
    note: &Note,
) -> rusqlite::Result<Result<()>> {
    let id = key.id.as_i64();
    if !connection.prepare_cached(HOLDS)?.exists([id, key.token])? {
        return Ok(Err(lost(key)));
    }
    ledger.use_feature(connection, Features::NOTES)?;
    if let Some(progress) = &note.progress {
        let at = progress.at.as_micros();
        connection.prepare_cached(SET_PROGRESS)?.execute(params![
            id,
            progress.fraction,
            progress.text,
            at
        ])?;
    }
    if let Some(checkpoint) = &note.checkpoint {
        connection.prepare_cached(SET_CHECKPOINT)?.execute(params![id, &**checkpoint])?;
    }
    for line in &note.lines {
        let at = line.at.as_micros();
        connection.prepare_cached(ADD_LINE)?.execute(params![id, at, line.attempt, line.text])?;
    }
    if !note.lines.is_empty() {
        connection.prepare_cached(PRUNE_LINES)?.execute(params![id, LOG_LINES_MAX])?;
    }
    Ok(Ok(()))
}
