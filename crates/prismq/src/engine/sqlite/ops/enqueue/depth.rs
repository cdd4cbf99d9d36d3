//! Depth limits: most live tasks of a queue. Only enqueues are refused; a task that was let in can always come back.

use std::collections::hash_map::Entry;
use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use rusqlite::{Connection, OptionalExtension, Row, params};

use super::unique;
use crate::engine::Answer;
use crate::engine::sqlite::batch::ledger::Ledger;
use crate::engine::sqlite::schema::Features;
use crate::engine::sqlite::writer::Writer;
use crate::model::{Error, NewTask, RefusedTasks, Result};
use crate::time::Moment;

/// The limit of a queue, and its live tasks without the changes of the transaction in progress.
pub(crate) const DEPTH: &str = "SELECT id, most, ready + scheduled + leased FROM prismq_queue
     JOIN prismq_depth ON prismq_depth.queue = prismq_queue.id WHERE prismq_queue.name = ?1";

/// Sets the limit of a queue.
const SET: &str = "INSERT INTO prismq_depth (queue, most) VALUES (?1, ?2)
     ON CONFLICT (queue) DO UPDATE SET most = excluded.most";

impl Writer {
    /// Outer error: SQL failed. Inner: there is no room for another queue.
    pub(crate) fn set_depth(&mut self, queue: &str, limit: Option<u32>) -> Result<Result<Answer>> {
        let id = match self.queue_to_set(queue)? {
            Ok(id) => id,
            Err(error) => return Ok(Err(error)),
        };
        let Some(limit) = limit else {
            self.execute("DELETE FROM prismq_depth WHERE queue = ?1", [id])?;
            return Ok(Ok(Answer::DepthSet));
        };
        let Self { ledger, connection, .. } = self;
        let used = ledger.features.begin_using(connection, Features::DEPTH);
        used.map_err(|error| self.failure(error))?;
        self.execute(SET, params![id, limit])?;
        Ok(Ok(Answer::DepthSet))
    }
}

/// Inner error: a queue would hold more live tasks than its limit.
pub(super) fn check(
    connection: &Connection,
    ledger: &Ledger,
    now: Moment,
    tasks: &[NewTask],
) -> rusqlite::Result<Result<()>> {
    if !ledger.features.has(Features::DEPTH) {
        return Ok(Ok(()));
    }
    let mut rooms: HashMap<&str, Option<Room>> = HashMap::new();
    let mut keys = HashSet::new();
    for task in tasks {
        // Also of a queue without a limit: a key is taken over all queues.
        let is_first = is_first(task, &mut keys);
        let room = match rooms.entry(&task.queue) {
            Entry::Occupied(entry) => entry.into_mut(),
            Entry::Vacant(entry) => entry.insert(room_in(connection, ledger, &task.queue)?),
        };
        let Some(Room { most, left }) = room else {
            continue;
        };
        if !is_first || is_taken(connection, now, task)? {
            // A duplicate adds nothing.
            continue;
        }
        *left -= 1;
        if *left < 0 {
            let limit = u32::try_from(*most).unwrap_or(u32::MAX);
            let (queue, tasks) = (task.queue.to_string(), RefusedTasks::new(tasks));
            return Ok(Err(Error::QueueFull { queue, limit, tasks }));
        }
    }
    Ok(Ok(()))
}

/// What a queue may still take, if that is limited.
struct Room {
    most: i64,
    left: i64,
}

fn room_in(
    connection: &Connection,
    ledger: &Ledger,
    queue: &str,
) -> rusqlite::Result<Option<Room>> {
    let read = |row: &Row<'_>| Ok((row.get(0)?, row.get(1)?, row.get(2)?));
    let found: Option<(i64, i64, i64)> =
        connection.prepare_cached(DEPTH)?.query_row([queue], read).optional()?;
    Ok(found.map(|(queue, most, live)| {
        let delta = ledger.counters.so_far(queue);
        Room { most, left: most - live - delta.ready - delta.scheduled - delta.leased }
    }))
}

/// How many more live tasks a queue may hold: very many without a limit.
pub(crate) fn room(connection: &Connection, ledger: &Ledger, queue: &str) -> rusqlite::Result<i64> {
    Ok(room_in(connection, ledger, queue)?.map_or(i64::MAX, |room| room.left))
}

/// The unique keys of a call so far: type, and key or payload.
type Keys<'a> = HashSet<(&'a str, Option<Arc<str>>, Option<&'a [u8]>)>;

/// Whether no task before this one in the same call has its key.
fn is_first<'a>(task: &'a NewTask, keys: &mut Keys<'a>) -> bool {
    task.unique.as_ref().is_none_or(|rule| {
        let payload = rule.key.is_none().then_some(&*task.payload);
        keys.insert((&task.task_type, rule.key.clone(), payload))
    })
}

/// Whether a stored task holds the key of this one.
fn is_taken(connection: &Connection, now: Moment, task: &NewTask) -> rusqlite::Result<bool> {
    match &task.unique {
        Some(rule) => unique::is_taken(connection, now.monotonic, task, rule),
        None => Ok(false),
    }
}
