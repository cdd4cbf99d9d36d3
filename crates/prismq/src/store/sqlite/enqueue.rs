//! Adding tasks, in the engine's own transaction or in a caller's.

use rusqlite::{Connection, params};

use super::ledger::Ledger;
use super::{failure, schema, state};
use crate::clock::Timestamp;
use crate::error::{Error, Result};
use crate::limits::PAYLOAD_BYTES_INLINE_MAX;
use crate::order::Place;
use crate::task::{NewTask, TaskId};

/// Adds tasks in the transaction that is open on this connection. Inner error: they do not apply, and
/// none was added.
pub(super) fn enqueue(
    connection: &Connection,
    ledger: &mut Ledger,
    now: Timestamp,
    tasks: &[NewTask],
) -> rusqlite::Result<Result<Vec<TaskId>>> {
    let next = ledger.next_id(connection)?;
    if !Ledger::has_ids(next, tasks.len()) {
        return Ok(Err(Error::OutOfIds { next }));
    }
    let lanes = match ledger.lanes_of(connection, tasks)? {
        Ok(lanes) => lanes,
        Err(error) => return Ok(Err(error)),
    };
    let first = ledger.take_ids(connection, tasks.len())?;
    let mut insert = connection.prepare_cached(
        "INSERT INTO task (id, lane, state, order_key, priority, max_attempts,
                           enqueued_at, run_at, payload)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)",
    )?;
    let mut ids = Vec::with_capacity(tasks.len());
    for ((task, lane), id) in tasks.iter().zip(lanes).zip(first..) {
        let run_at = now.after(task.delay);
        let counters = ledger.counters.of(lane.queue);
        counters.enqueued += 1;
        let state = if run_at > now {
            counters.scheduled += 1;
            state::SCHEDULED
        } else {
            counters.ready += 1;
            state::READY
        };
        let settings = ledger.queues.of(connection, lane.queue)?;
        let key = settings.order()?.key(Place {
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
            state,
            key,
            task.priority,
            task.max_attempts,
            now.as_micros(),
            run_at.as_micros(),
            inline,
        ])?;
        if inline.is_none() {
            connection
                .prepare_cached("INSERT INTO payload (task, data) VALUES (?1, ?2)")?
                .execute(params![id, &*task.payload])?;
        }
        ids.push(TaskId::from_i64(id));
    }
    Ok(Ok(ids))
}

/// Adds tasks in a caller's own transaction on the queue's file.
pub(crate) fn enqueue_in(
    connection: &Connection,
    now: Timestamp,
    tasks: &[NewTask],
) -> Result<Vec<TaskId>> {
    let path = connection.path().unwrap_or_default();
    let failed = |error| failure::classify(path.as_ref(), error);
    if connection.is_autocommit() {
        return Err(Error::invalid("connection", "has no transaction open: begin one first"));
    }
    let application_id = schema::application_id(connection).map_err(failed)?;
    let version = schema::version(connection).map_err(failed)?;
    if application_id != schema::APPLICATION_ID || version != schema::VERSION {
        let reason = format!("is open on {path:?}, which is not a queue of this version");
        return Err(Error::invalid("connection", reason));
    }
    let mut ledger = Ledger::of_caller();
    // A savepoint, so that the caller's transaction goes on as if a failed call had not been made.
    connection.execute_batch("SAVEPOINT prismq_enqueue").map_err(failed)?;
    let added = enqueue(connection, &mut ledger, now, tasks)
        .and_then(|ids| ledger.flush(connection).map(|()| ids))
        .map_err(failed)
        .flatten();
    let end = if added.is_ok() {
        "RELEASE prismq_enqueue"
    } else {
        "ROLLBACK TO prismq_enqueue; RELEASE prismq_enqueue"
    };
    connection.execute_batch(end).map_err(failed)?;
    added
}
