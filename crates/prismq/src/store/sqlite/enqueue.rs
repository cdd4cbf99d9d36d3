//! Adding tasks, in the engine's own transaction or in a caller's.

use rusqlite::{Connection, params};

use super::ledger::Ledger;
use super::{failure, schema, state};
use crate::clock::Timestamp;
use crate::error::{Error, Result};
use crate::limits::PAYLOAD_BYTES_INLINE_MAX;
use crate::task::{NewTask, TaskId};

/// Bits of an order key below the priority: room for 2^47 tasks over the life of a file.
const SEQUENCE_BITS: u32 = 47;

/// Smaller keys run first: by priority, then by id, which is first in, first out.
const fn order_key(priority: i32, id: i64) -> i64 {
    ((priority as i64) << SEQUENCE_BITS) + id
}

/// Adds tasks in the transaction that is open on this connection.
pub(super) fn enqueue(
    connection: &Connection,
    ledger: &mut Ledger,
    now: Timestamp,
    tasks: &[NewTask],
) -> rusqlite::Result<Vec<TaskId>> {
    let first = ledger.take_ids(connection, tasks.len())?;
    let mut insert = connection.prepare_cached(
        "INSERT INTO task (id, lane, state, order_key, priority, max_attempts,
                           enqueued_at, run_at, payload)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)",
    )?;
    let mut ids = Vec::with_capacity(tasks.len());
    for (task, id) in tasks.iter().zip(first..) {
        let lane = ledger.lanes.find_or_add(connection, &task.queue, &task.task_type)?;
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
        let inline = (task.payload.len() <= PAYLOAD_BYTES_INLINE_MAX).then_some(&*task.payload);
        insert.execute(params![
            id,
            lane.id,
            state,
            order_key(task.priority, id),
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
    Ok(ids)
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
    let mut ledger = Ledger::default();
    // A savepoint, so that the caller's transaction goes on as if a failed call had not been made.
    connection.execute_batch("SAVEPOINT prismq_enqueue").map_err(failed)?;
    let added = enqueue(connection, &mut ledger, now, tasks)
        .and_then(|ids| ledger.flush(connection).map(|()| ids))
        .map_err(failed);
    let end = if added.is_ok() {
        "RELEASE prismq_enqueue"
    } else {
        "ROLLBACK TO prismq_enqueue; RELEASE prismq_enqueue"
    };
    connection.execute_batch(end).map_err(failed)?;
    added
}

#[cfg(test)]
mod tests {
    use super::order_key;
    use crate::limits::{PRIORITY_MAX, PRIORITY_MIN};

    #[test]
    fn priority_comes_before_id_over_the_whole_range() {
        let last_id = (1 << super::SEQUENCE_BITS) - 1;
        assert!(order_key(PRIORITY_MIN, last_id) < order_key(PRIORITY_MIN + 1, 1));
        assert!(order_key(-1, last_id) < order_key(0, 1));
        assert!(order_key(PRIORITY_MAX, last_id) > order_key(PRIORITY_MAX - 1, last_id));
    }
}
