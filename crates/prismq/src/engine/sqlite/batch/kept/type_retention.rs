//! Retention of task types: their ended tasks are kept for a time, independently of what their queue keeps.
//!
//! Completed and cancelled tasks are kept with the time until when, so that another setting applies to those that end
//! after it. Dead ones are kept for the time that is set now.

use std::rc::Rc;

use rusqlite::types::Value;
use rusqlite::{Connection, Result, params};

use crate::engine::sqlite::batch::STEP_TASKS_MAX;
use crate::engine::sqlite::schema::state;
use crate::engine::{Seen, Target};
use crate::model::TaskId;
use crate::time::Moment;

/// Sets how long the ended tasks of a type are kept; an operator's setting is replaced only by another of an operator.
pub(crate) const SET: &str =
    "INSERT INTO prismq_type_retention (type, by_operator, age) VALUES (?1, ?2, ?3)
     ON CONFLICT (type) DO UPDATE SET by_operator = excluded.by_operator, age = excluded.age
     WHERE excluded.by_operator OR NOT prismq_type_retention.by_operator";
/// Removes it.
pub(crate) const CLEAR: &str = "DELETE FROM prismq_type_retention WHERE type = ?1";
/// Copies those of the tasks that are about to be completed whose types have a retention.
pub(crate) const KEEP_COMPLETED: &str =
    "INSERT INTO prismq_kept (task, queue, lane, priority, attempt, max_attempts, enqueued_at, run_at,
                       completed_at, completion, recorded, payload, error, state)
     SELECT t.id, ?2, iif(t.lane > 0, t.lane, (SELECT base FROM prismq_line WHERE prismq_line.lane = t.lane)),
            priority, attempt, max_attempts, enqueued_at, run_at, ?3, ?3 + r.age, token > 1 OR ?4, payload, error, 7
     FROM prismq_task AS t JOIN prismq_lane AS l ON l.id = t.lane
          JOIN prismq_type_retention AS r ON r.type = l.type
     WHERE t.id IN (SELECT value FROM rarray(?1)) RETURNING task";
/// Copies a task that is about to be cancelled if its type has a retention.
pub(crate) const KEEP_CANCELLED: &str =
    "INSERT INTO prismq_kept (task, queue, lane, priority, attempt, max_attempts, enqueued_at, run_at,
                       completed_at, completion, recorded, payload, error, state)
     SELECT t.id, ?2, iif(t.lane > 0, t.lane, (SELECT base FROM prismq_line WHERE prismq_line.lane = t.lane)),
            priority, attempt, max_attempts, enqueued_at, run_at, ?3, ?3 + r.age, token > 0, payload, error, 8
     FROM prismq_task AS t JOIN prismq_lane AS l ON l.id = t.lane
          JOIN prismq_type_retention AS r ON r.type = l.type
     WHERE t.id = ?1";
/// Kept tasks of a queue and state that were kept for long enough.
pub(crate) const OVER: &str = "SELECT task FROM prismq_kept
     WHERE queue = ?1 AND state = ?2 AND completion <= ?3 ORDER BY completion, task LIMIT ?4";
/// The lanes of a queue whose types have a retention, with their time.
pub(crate) const LANES: &str = "SELECT l.id, r.age FROM prismq_type_retention AS r
     JOIN prismq_lane AS l ON l.queue = ?1 AND l.type = r.type";
/// Dead tasks of a lane that died by a time.
pub(crate) const DEAD: &str = "SELECT id, token FROM prismq_task
     WHERE state = 3 AND lane = ?1 AND run_at <= ?2 ORDER BY run_at, id LIMIT ?3";
/// Whether a type has a retention.
const ANY: &str = "SELECT 1 FROM prismq_type_retention LIMIT 1";
/// All queues.
const QUEUES: &str = "SELECT id FROM prismq_queue ORDER BY id";
/// Dead tasks of a queue whose types have no retention, counted up to a number.
pub(crate) const OTHER_DEAD: &str = "SELECT count(*) FROM (
     SELECT 1 FROM prismq_lane AS l JOIN prismq_task AS t ON t.lane = l.id AND t.state = 3
     WHERE l.queue = ?1 AND NOT EXISTS (SELECT 1 FROM prismq_type_retention AS r WHERE r.type = l.type)
     LIMIT ?2)";

/// Keeps those of these tasks whose types have a retention; returns which.
pub(crate) fn keep_completed(
    connection: &Connection,
    queue: i64,
    now: Moment,
    tasks: Vec<Value>,
    has_records: bool,
) -> Result<Vec<i64>> {
    connection
        .prepare_cached(KEEP_COMPLETED)?
        .query_map(params![Rc::new(tasks), queue, now.wall.as_micros(), has_records], |row| {
            row.get(0)
        })?
        .collect()
}

/// Keeps a task that is about to be cancelled if its type has a retention; whether it has.
pub(crate) fn keep_cancelled(
    connection: &Connection,
    queue: i64,
    now: Moment,
    task: i64,
) -> Result<bool> {
    let now = now.wall.as_micros();
    connection.prepare_cached(KEEP_CANCELLED)?.execute([task, queue, now]).map(|kept| kept > 0)
}

/// Whether a type has a retention.
pub(crate) fn is_used(connection: &Connection) -> Result<bool> {
    connection.prepare_cached(ANY)?.exists([])
}

/// How many dead tasks of types without a retention a queue has, counted up to a number.
pub(crate) fn other_dead(connection: &Connection, queue: i64, most: i64) -> Result<i64> {
    connection.prepare_cached(OTHER_DEAD)?.query_row([queue, most], |row| row.get(0))
}

/// The queues, each of which may have tasks that were kept for long enough.
pub(crate) fn queues(connection: &Connection) -> Result<Vec<i64>> {
    connection.prepare_cached(QUEUES)?.query_map([], |row| row.get(0))?.collect()
}

/// Some tasks of a queue that were kept for long enough, up to [`STEP_TASKS_MAX`] and one more if there are more.
pub(crate) fn over(connection: &Connection, queue: i64, now: Moment) -> Result<Vec<Target>> {
    let mut over = Vec::new();
    for state in [state::COMPLETED_BY_TYPE, state::CANCELLED_BY_TYPE] {
        let left = STEP_TASKS_MAX + 1 - over.len();
        let mut select = connection.prepare_cached(OVER)?;
        let mut rows = select.query(params![queue, state, now.wall.as_micros(), left])?;
        while let Some(row) = rows.next()? {
            over.push(Target { id: TaskId::from_i64(row.get(0)?), seen: Seen::Kept });
        }
    }
    let mut lanes = connection.prepare_cached(LANES)?;
    let mut lanes = lanes.query([queue])?;
    while let Some(lane) = lanes.next()? {
        let (lane, age): (i64, i64) = (lane.get(0)?, lane.get(1)?);
        let died_by = now.monotonic.as_micros().saturating_sub(age);
        let left = STEP_TASKS_MAX + 1 - over.len();
        let mut select = connection.prepare_cached(DEAD)?;
        let mut rows = select.query(params![lane, died_by, left])?;
        while let Some(row) = rows.next()? {
            let seen = Seen::Stored { token: row.get(1)? };
            over.push(Target { id: TaskId::from_i64(row.get(0)?), seen });
        }
    }
    Ok(over)
}
