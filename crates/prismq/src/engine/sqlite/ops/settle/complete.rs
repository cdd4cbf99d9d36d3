//! Completing tasks, with a few statements for many; in the writer's transaction or in a caller's.

use std::collections::{HashMap, HashSet};
use std::rc::Rc;

use rusqlite::types::Value;
use rusqlite::{Connection, params};

use super::{foreign, lost};
use crate::engine::Answer;
use crate::engine::sqlite::batch::kept::{history, records, type_retention};
use crate::engine::sqlite::batch::lease_note::LeaseNote;
use crate::engine::sqlite::batch::ledger::Ledger;
use crate::engine::sqlite::ops::caller;
use crate::engine::sqlite::ops::manage::cancel;
use crate::engine::sqlite::ops::settle::note::note;
use crate::engine::sqlite::schema::Features;
use crate::model::{Error, LeaseKey, Note, Result, State};
use crate::time::Moment;

/// Which of these tasks are held, and with which tokens.
pub(crate) const HELD: &str = "SELECT id, token FROM prismq_task
     WHERE id IN (SELECT value FROM rarray(?1)) AND state = 2";
/// Completes tasks.
pub(crate) const COMPLETE: &str =
    "DELETE FROM prismq_task WHERE id IN (SELECT value FROM rarray(?1))";
/// Deletes payloads that are stored out of line.
pub(crate) const DELETE_PAYLOADS: &str =
    "DELETE FROM prismq_payload WHERE task IN (SELECT value FROM rarray(?1))";

/// Whether a connection can take a set of ids as one parameter.
const HAS_ARRAYS: &str = "SELECT 1 FROM pragma_module_list WHERE name = 'rarray'";

/// A task to be completed.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Completion<'a> {
    pub(crate) key: LeaseKey,
    /// What it resulted in, to be kept with the task.
    pub(crate) result: Option<&'a [u8]>,
}

/// Completed tasks of one queue.
#[derive(Debug, Default)]
struct Completed<'a> {
    tasks: Vec<Value>,
    /// Those whose payloads are stored out of line.
    payloads: Vec<Value>,
    /// Those that may have records of their attempts.
    recorded: Vec<Value>,
    results: Vec<(i64, &'a [u8])>,
}

/// Completes tasks of the file with this number, in the transaction in progress on this connection. Each has an answer
/// of its own.
pub(crate) fn complete(
    connection: &Connection,
    ledger: &mut Ledger,
    file: i64,
    completions: &[Completion<'_>],
) -> rusqlite::Result<Vec<Result<Answer>>> {
    let mut held = held(connection, completions)?;
    let mut answers = Vec::with_capacity(completions.len());
    let mut completed: HashMap<i64, Completed<'_>> = HashMap::new();
    for Completion { key, result } in completions {
        let id = key.id.as_i64();
        let note = LeaseNote::from(key.note);
        if note.file != file {
            answers.push(Err(foreign(key)));
            continue;
        }
        // Taken out, so that a second completion of the task finds its lease lost.
        if held.get(&id) != Some(&key.token) {
            answers.push(Err(lost(key)));
            continue;
        }
        held.remove(&id);
        let completed = completed.entry(note.queue).or_default();
        completed.tasks.push(id.into());
        if note.out_of_line {
            completed.payloads.push(id.into());
        }
        if records::may_have(ledger.features, key.token) {
            completed.recorded.push(id.into());
        }
        completed.results.extend(result.map(|result| (id, result)));
        // A completion wins over a request to cancel.
        cancel::withdraw(connection, ledger, &[id])?;
        ledger.limits.left_lease(note.limited_lane, State::Completed);
        answers.push(Ok(Answer::Completed));
    }
    for (queue, mut completed) in completed {
        let count = i64::try_from(completed.tasks.len()).unwrap_or(i64::MAX);
        let by_type = if ledger.features.has(Features::TYPE_RETENTION) {
            keep_by_type(connection, ledger, queue, &mut completed)?
        } else {
            0
        };
        let kept = finish(connection, ledger, queue, completed)?;
        let counters = ledger.counters.of(queue);
        counters.leased -= count;
        counters.completed += count;
        counters.kept += by_type + if kept { count - by_type } else { 0 };
        counters.kept_by_type += by_type;
    }
    Ok(answers)
}

/// The tokens of those of the tasks that are held.
fn held(
    connection: &Connection,
    completions: &[Completion<'_>],
) -> rusqlite::Result<HashMap<i64, i64>> {
    let ids: Vec<Value> = completions.iter().map(|each| each.key.id.as_i64().into()).collect();
    connection
        .prepare_cached(HELD)?
        .query_map([Rc::new(ids)], |row| Ok((row.get(0)?, row.get(1)?)))?
        .collect()
}

/// Moves those of the completed tasks to the history whose types have a retention of their own, and returns how many.
fn keep_by_type(
    connection: &Connection,
    ledger: &Ledger,
    queue: i64,
    completed: &mut Completed<'_>,
) -> rusqlite::Result<i64> {
    let has_records = !completed.results.is_empty() || ledger.features.has(Features::NOTES);
    let tasks = completed.tasks.clone();
    let kept = type_retention::keep_completed(connection, queue, ledger.now, tasks, has_records)?;
    let kept: HashSet<i64> = kept.into_iter().collect();
    for (task, data) in completed.results.extract_if(.., |(task, _)| kept.contains(task)) {
        connection.prepare_cached(records::ADD_RESULT)?.execute(params![task, data])?;
    }
    let is_kept = |task: &Value| matches!(task, Value::Integer(task) if kept.contains(task));
    let ended: Vec<Value> = completed.tasks.extract_if(.., |task| is_kept(task)).collect();
    completed.payloads.retain(|task| !is_kept(task));
    completed.recorded.retain(|task| !is_kept(task));
    connection.prepare_cached(COMPLETE)?.execute([Rc::new(ended)])?;
    Ok(i64::try_from(kept.len()).unwrap_or(i64::MAX))
}

/// Deletes completed tasks of a queue, or moves them to its history; whether it keeps one.
fn finish(
    connection: &Connection,
    ledger: &mut Ledger,
    queue: i64,
    completed: Completed<'_>,
) -> rusqlite::Result<bool> {
    let Completed { tasks, payloads, recorded, results } = completed;
    let tasks = Rc::new(tasks);
    let keeps = ledger.queues.of(connection, queue)?.keep > 0;
    if keeps {
        let now = ledger.now.wall.as_micros();
        let has_records = !results.is_empty() || ledger.features.has(Features::NOTES);
        connection.prepare_cached(history::KEEP)?.execute(params![
            tasks,
            queue,
            now,
            has_records
        ])?;
        for (task, data) in results {
            connection.prepare_cached(records::ADD_RESULT)?.execute(params![task, data])?;
        }
    } else {
        if !payloads.is_empty() {
            connection.prepare_cached(DELETE_PAYLOADS)?.execute([Rc::new(payloads)])?;
        }
        records::delete(connection, ledger.features, &Rc::new(recorded))?;
    }
    connection.prepare_cached(COMPLETE)?.execute([tasks])?;
    Ok(keeps)
}

/// Completes a task in a caller's own transaction on the file with this number, and before that keeps what its handler
/// noted.
pub(crate) fn complete_in(
    connection: &Connection,
    file: i64,
    now: Moment,
    completion: Completion<'_>,
    noted: Option<&Note>,
) -> Result<()> {
    caller::run(connection, file, now, |ledger| {
        load_arrays(connection)?;
        if let Some(noted) = noted
            && let Err(lost) = note(connection, ledger, &completion.key, noted)?
        {
            return Ok(Err(lost));
        }
        let mut answers = complete(connection, ledger, file, &[completion])?;
        Ok(answers.pop().unwrap_or_else(|| Err(Error::unanswered())).map(drop))
    })
}

/// Lets a caller's connection take a set of ids as one parameter, unless it can already: loading it again could
/// disturb a statement that is running.
fn load_arrays(connection: &Connection) -> rusqlite::Result<()> {
    if connection.prepare_cached(HAS_ARRAYS)?.exists([])? {
        return Ok(());
    }
    rusqlite::vtab::array::load_module(connection)
}
