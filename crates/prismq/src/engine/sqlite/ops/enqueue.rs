//! Adding tasks, in the writer's transaction or in a caller's.

use rusqlite::{Connection, params};

use crate::engine::sqlite::batch::ledger::Ledger;
use crate::engine::sqlite::connection::path_of;
use crate::engine::sqlite::schema::state;
use crate::engine::sqlite::{error, schema};
use crate::model::{Error, KeyInputs, NewTask, Result, State, TaskId};
use crate::time::Moment;

/// Largest payload stored in the task's row; a larger one is stored out of line, as SQLite rewrites the whole row
/// at each claim.
pub(crate) const PAYLOAD_BYTES_INLINE_MAX: usize = 1024;

/// Around a call in a caller's transaction, so that a failed call leaves the transaction as it was.
const SAVEPOINT: &str = "SAVEPOINT prismq_enqueue";
const RELEASE: &str = "RELEASE prismq_enqueue";
const UNDO: &str = "ROLLBACK TO prismq_enqueue; RELEASE prismq_enqueue";

/// Adds tasks in the transaction in progress on this connection. Inner error: none was added.
pub(crate) fn enqueue(
    connection: &Connection,
    ledger: &mut Ledger,
    now: Moment,
    tasks: &[NewTask],
) -> rusqlite::Result<Result<Vec<TaskId>>> {
    if let Err(error) = NewTask::validate_due(tasks, now) {
        return Ok(Err(error));
    }
    ledger.begin_adding(connection)?;
    if !ledger.ids.has(tasks.len()) {
        return Ok(Err(Error::OutOfIds { next: ledger.ids.next() }));
    }
    let lanes = match ledger.lanes_of(connection, tasks)? {
        Ok(lanes) => lanes,
        Err(error) => return Ok(Err(error)),
    };
    let first = ledger.take_ids(connection, tasks.len())?;
    let mut insert = connection.prepare_cached(
        "INSERT INTO prismq_task (id, lane, state, order_key, priority, max_attempts,
                           enqueued_at, run_at, payload)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)",
    )?;
    let mut ids = Vec::with_capacity(tasks.len());
    for ((task, lane), id) in tasks.iter().zip(lanes).zip(first..) {
        let lane = ledger.line_of(connection, lane, task)?;
        let run_at = now.monotonic.after(task.delay_from(now));
        let counters = ledger.counters.of(lane.queue);
        counters.enqueued += 1;
        let state = if run_at > now.monotonic {
            counters.scheduled += 1;
            State::Scheduled
        } else {
            counters.ready += 1;
            State::Ready
        };
        ledger.limits.enqueued(lane.id, state);
        let settings = ledger.queues.of(connection, lane.queue)?;
        let key = settings.order()?.key(KeyInputs {
            id,
            priority: task.priority,
            run_at: run_at.as_micros(),
            virtual_time: settings.virtual_time,
            chance: fastrand::f64(),
        });
        let inline = (task.payload.len() <= PAYLOAD_BYTES_INLINE_MAX).then_some(&*task.payload);
        insert.execute(params![
            id,
            lane.id,
            state::stored(state),
            key,
            task.priority,
            task.max_attempts,
            now.wall.as_micros(),
            run_at.as_micros(),
            inline,
        ])?;
        if inline.is_none() {
            connection
                .prepare_cached("INSERT INTO prismq_payload (task, data) VALUES (?1, ?2)")?
                .execute(params![id, &*task.payload])?;
        }
        ids.push(TaskId::from_i64(id));
    }
    Ok(Ok(ids))
}

/// Adds tasks in a caller's own transaction on the queue's file.
pub(crate) fn enqueue_in(
    connection: &Connection,
    file: i64,
    now: Moment,
    tasks: &[NewTask],
) -> Result<Vec<TaskId>> {
    if connection.is_autocommit() {
        return Err(Error::invalid("connection", "has no transaction open: begin one first"));
    }
    let savepoint = || execute(connection, SAVEPOINT);
    if let Err(error) = verify(connection, file).and_then(|()| savepoint()) {
        return Err(if connection.is_autocommit() { rolled_back(error) } else { error });
    }
    let mut ledger = Ledger::of_caller(now);
    let added = enqueue(connection, &mut ledger, now, tasks)
        .and_then(|ids| ledger.flush(connection).map(|()| ids))
        .map_err(|error| failed(connection, error))
        .flatten()
        .and_then(|ids| execute(connection, RELEASE).map(|()| ids));
    match added {
        Err(error) if !undo(connection) => Err(rolled_back(error)),
        added => added,
    }
}

/// Refuses a connection to another file than the one with this number.
fn verify(connection: &Connection, file: i64) -> Result<()> {
    let content = schema::content(connection).map_err(|e| failed(connection, e))?;
    if content != (schema::Content::Queue { version: schema::VERSION }) {
        let path = connection.path().unwrap_or_default();
        let reason = format!("is open on {path:?}, which holds no queue of this version");
        return Err(Error::invalid("connection", reason));
    }
    if schema::file_number(connection).map_err(|e| failed(connection, e))? != file {
        let path = connection.path().unwrap_or_default();
        let reason = format!("is open on {path:?}, another queue's file: open it on this queue's");
        return Err(Error::invalid("connection", reason));
    }
    Ok(())
}

/// Rolls back to the savepoint, or else the whole transaction, as it must not be committed with some of the tasks.
/// `true` if the transaction is still open; SQLite may have rolled it back itself.
fn undo(connection: &Connection) -> bool {
    if connection.is_autocommit() {
        return false;
    }
    let Err(error) = connection.execute_batch(UNDO) else {
        return true;
    };
    let rolled_back = connection.execute_batch("ROLLBACK");
    // Logged now that the file is unlocked: a subscriber of the log may use the queue.
    let path = path_of(connection);
    tracing::warn!(path, %error, "rollback to a savepoint failed: the caller's transaction is rolled back");
    if let Err(error) = rolled_back {
        tracing::error!(path, %error, "rollback of the caller's transaction failed: close its connection");
    }
    false
}

fn rolled_back(source: Error) -> Error {
    Error::TransactionRolledBack { source: Box::new(source) }
}

fn execute(connection: &Connection, sql: &str) -> Result<()> {
    connection.execute_batch(sql).map_err(|error| failed(connection, error))
}

fn failed(connection: &Connection, error: rusqlite::Error) -> Error {
    error::classify(connection.path().unwrap_or_default().as_ref(), error)
}
