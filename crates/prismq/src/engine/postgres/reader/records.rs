//! Reading what a task keeps beyond its row.

use super::Reading;
use crate::engine::postgres::batch::queues::state;
use crate::engine::postgres::client::{Columns, Row};
use crate::model::{Attempt, Ending, LogLine, Progress, Result, State, TaskId, TaskInfo};

/// The failed attempts of a task, in order.
pub(crate) const ATTEMPTS: &str =
    "SELECT attempt, began_at, ended_at, process, worker, error, error_type
     FROM prismq.attempt WHERE task = $1 ORDER BY token";
/// How far a task has come, and its checkpoint.
pub(crate) const NOTE: &str =
    "SELECT fraction, text, noted_at, checkpoint FROM prismq.note WHERE task = $1";
/// What was logged with a task, in order.
pub(crate) const LINES: &str =
    "SELECT at, attempt, text FROM prismq.log WHERE task = $1 ORDER BY number";

/// Adds to a task what is kept beyond its row.
pub(super) fn add(
    task: &mut TaskInfo,
    attempts: &[Row],
    lines: &[Row],
    notes: &[Row],
) -> Result<()> {
    task.attempts = attempts.iter().map(attempt).collect::<Result<_>>()?;
    task.log = lines.iter().map(line).collect::<Result<_>>()?;
    if let Some(row) = notes.first() {
        let fraction: Option<f64> = row.column(0)?;
        if let Some(fraction) = fraction {
            task.progress = Some(Progress { fraction, text: row.column(1)?, at: row.time(2)? });
        }
        task.checkpoint = row.column(3)?;
    }
    Ok(())
}

impl Reading<'_> {
    /// How a task ended, if it has.
    pub(crate) fn ending(self, id: TaskId) -> Result<Option<Ending>> {
        let Some(row) = self.row(super::ENDING, &[&id.as_i64()])? else {
            return Ok(Some(Ending::NotKept));
        };
        Ok(match state(row.column(0)?)? {
            State::Completed => Some(Ending::Completed(row.column(2)?)),
            State::Cancelled => Some(Ending::Cancelled),
            State::Dead => Some(Ending::Dead(row.column::<Option<String>>(1)?.unwrap_or_default())),
            _ => None,
        })
    }

    /// The checkpoint of a task, if it has one.
    pub(crate) fn checkpoint(self, id: TaskId) -> Result<Option<Vec<u8>>> {
        self.row(NOTE, &[&id.as_i64()])?.map_or(Ok(None), |row| row.column(3))
    }
}

fn line(row: &Row) -> Result<LogLine> {
    Ok(LogLine { at: row.time(0)?, attempt: row.number(1)?, text: row.column(2)? })
}

fn attempt(row: &Row) -> Result<Attempt> {
    let process: Option<i64> = row.column(3)?;
    let worker: Option<i64> = row.column(4)?;
    Ok(Attempt {
        attempt: row.number(0)?,
        began_at: row.time_if_any(1)?,
        ended_at: row.time(2)?,
        process: process.and_then(|process| u32::try_from(process).ok()),
        worker: worker.and_then(|worker| usize::try_from(worker).ok()),
        error: row.column(5)?,
        error_type: row.column(6)?,
    })
}
