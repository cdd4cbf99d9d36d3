//! What handlers note of their tasks: progress, checkpoints, log lines. Fenced as a settlement is.

use crate::engine::postgres::client::{Columns, Value};

use crate::engine::Answer;
use crate::engine::postgres::batch::run::Run;
use crate::engine::postgres::ops::storable;
use crate::model::limits::LOG_LINES_MAX;
use crate::model::{Error, LeaseKey, Note, Result};

/// Whether a task is held with this token: a row, which says whether anything was noted before.
pub(crate) const HOLD: &str =
    "SELECT noted FROM prismq.task WHERE id = $1 AND token = $2 AND state = 2
     FOR NO KEY UPDATE";
const SET_NOTED: &str = "UPDATE prismq.task SET noted = true WHERE id = $1";
/// Sets how far a task has come.
pub(crate) const SET_PROGRESS: &str =
    "INSERT INTO prismq.note (task, fraction, text, noted_at) VALUES ($1, $2, $3, $4)
     ON CONFLICT (task) DO UPDATE SET
         fraction = excluded.fraction, text = excluded.text, noted_at = excluded.noted_at";
/// Sets a task's checkpoint.
pub(crate) const SET_CHECKPOINT: &str = "INSERT INTO prismq.note (task, checkpoint) VALUES ($1, $2)
     ON CONFLICT (task) DO UPDATE SET checkpoint = excluded.checkpoint";
/// Adds log lines to a task.
pub(crate) const ADD_LINES: &str = "INSERT INTO prismq.log (task, number, at, attempt, text)
     SELECT $1, k.place + coalesce((SELECT max(number) FROM prismq.log WHERE task = $1), 0), k.at, k.attempt, k.text
     FROM unnest($2::bigint[], $3::integer[], $4::text[]) WITH ORDINALITY k (at, attempt, text, place)";
/// Deletes the log lines of a task beyond those that are kept.
pub(crate) const PRUNE_LINES: &str = "DELETE FROM prismq.log WHERE task = $1
     AND number <= (SELECT max(number) FROM prismq.log WHERE task = $1) - $2";

/// Outer error: SQL failed. Inner: the lease was lost.
pub(crate) fn note(run: &mut Run<'_, '_>, key: &LeaseKey, note: &Note) -> Result<Result<Answer>> {
    if let Err(foreign) = run.refuse_foreign(key) {
        return Ok(Err(foreign));
    }
    let id = key.id.as_i64();
    let Some(row) = run.query(HOLD, &[&id, &key.token])?.pop() else {
        return Ok(Err(Error::LeaseLost { id: key.id, token: key.token }));
    };
    if !row.column::<bool>(0)? {
        run.execute(SET_NOTED, &[&id])?;
    }
    if let Some(progress) = &note.progress {
        let text = storable(&progress.text).into_owned();
        let params: [&dyn Value; 4] = [&id, &progress.fraction, &text, &progress.at.as_micros()];
        run.execute(SET_PROGRESS, &params)?;
    }
    if let Some(checkpoint) = &note.checkpoint {
        run.execute(SET_CHECKPOINT, &[&id, &&**checkpoint])?;
    }
    if !note.lines.is_empty() {
        let at: Vec<i64> = note.lines.iter().map(|line| line.at.as_micros()).collect();
        let attempts =
            note.lines.iter().map(|line| i32::try_from(line.attempt).unwrap_or(i32::MAX));
        let attempts: Vec<i32> = attempts.collect();
        let texts = note.lines.iter().map(|line| storable(&line.text).into_owned());
        let texts: Vec<String> = texts.collect();
        run.execute(ADD_LINES, &[&id, &at, &attempts, &texts])?;
        let most = i32::try_from(LOG_LINES_MAX).unwrap_or(i32::MAX);
        run.execute(PRUNE_LINES, &[&id, &most])?;
    }
    Ok(Ok(Answer::Noted))
}
