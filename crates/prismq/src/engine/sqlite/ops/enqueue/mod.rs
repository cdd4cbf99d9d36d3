//! Adding tasks, in the writer's transaction or in a caller's.

pub(crate) mod depth;
pub(crate) mod unique;

use rusqlite::{Connection, Statement, params};

use crate::engine::sqlite::batch::lanes::Lane;
use crate::engine::sqlite::batch::ledger::Ledger;
use crate::engine::sqlite::ops::caller;
use crate::engine::sqlite::ops::dead_letters::expiry;
use crate::engine::sqlite::schema::state;
use crate::model::{Enqueued, Error, KeyInputs, NewTask, Result, State, TaskId};
use crate::time::Moment;

/// Largest payload stored in the task's row; a larger one is stored out of line, as SQLite rewrites the whole row
/// at each claim.
pub(crate) const PAYLOAD_BYTES_INLINE_MAX: usize = 1024;

/// Adds a task.
const INSERT: &str = "INSERT INTO prismq_task (id, lane, state, order_key, priority, max_attempts,
                       enqueued_at, run_at, payload)
     VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)";

/// Adds tasks in the transaction in progress on this connection, within the depth limits of their queues. Inner error:
/// none was added.
pub(crate) fn enqueue(
    connection: &Connection,
    ledger: &mut Ledger,
    now: Moment,
    tasks: &[NewTask],
) -> rusqlite::Result<Result<Vec<Enqueued>>> {
    match depth::check(connection, ledger, now, tasks)? {
        Ok(()) => add(connection, ledger, now, tasks),
        Err(full) => Ok(Err(full)),
    }
}

/// Adds tasks however many their queues hold. Inner error: none was added.
fn add(
    connection: &Connection,
    ledger: &mut Ledger,
    now: Moment,
    tasks: &[NewTask],
) -> rusqlite::Result<Result<Vec<Enqueued>>> {
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
    let mut insert = connection.prepare_cached(INSERT)?;
    let mut added = Vec::with_capacity(tasks.len());
    for (task, lane) in tasks.iter().zip(lanes) {
        let taken = match &task.unique {
            Some(unique) => unique::resolve(connection, ledger, now, task, unique)?,
            None => None,
        };
        if let Some(instead) = taken {
            added.push(instead);
            continue;
        }
        let lane = ledger.line_of(connection, lane, task)?;
        let id = ledger.take_id(connection)?;
        insert_into(lane, &mut insert, (connection, ledger), now, (id, task))?;
        if let Some(time) = task.expires_after {
            expiry::set(connection, &mut ledger.features, id, now.monotonic.after(time))?;
        }
        if let Some(unique) = &task.unique {
            unique::hold(connection, ledger, now, id, task, unique)?;
        }
        added.push(Enqueued::Inserted(TaskId::from_i64(id)));
    }
    Ok(Ok(added))
}

/// Inserts one task into its lane.
fn insert_into(
    lane: Lane,
    insert: &mut Statement<'_>,
    (connection, ledger): (&Connection, &mut Ledger),
    now: Moment,
    (id, task): (i64, &NewTask),
) -> rusqlite::Result<()> {
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
        insert_payload(connection, id, &task.payload)?;
    }
    Ok(())
}

/// Stores a payload out of line.
fn insert_payload(connection: &Connection, id: i64, payload: &[u8]) -> rusqlite::Result<()> {
    connection
        .prepare_cached("INSERT INTO prismq_payload (task, data) VALUES (?1, ?2)")?
        .execute(params![id, payload])
        .map(drop)
}

/// Adds tasks in a caller's own transaction on the queue's file.
pub(crate) fn enqueue_in(
    connection: &Connection,
    file: i64,
    now: Moment,
    tasks: &[NewTask],
) -> Result<Vec<Enqueued>> {
    caller::run(connection, file, now, |ledger| enqueue(connection, ledger, now, tasks))
}
