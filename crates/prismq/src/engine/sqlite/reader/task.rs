//! Reading one task by its id.

use rusqlite::types::ValueRef;
use rusqlite::{Connection, OptionalExtension, Result, Row};

use crate::engine::sqlite::batch::lanes::Keyed;
use crate::engine::sqlite::schema::state;
use crate::model::{Names, State, TaskId, TaskInfo, UniqueKey};
use crate::time::Timestamp;

/// A task that is live or dead, or one that is kept.
const TASK: &str = "SELECT t.id, q.name, l.type, l.requirements, t.state, t.priority, t.attempt, t.max_attempts,
            t.enqueued_at, t.run_at, t.lease_expires_at, NULL, t.error,
            coalesce(t.payload, p.data, iif(t.state = 3, x'', NULL)),
            l.limits, l.keyed, k.name
     FROM prismq_task AS t JOIN prismq_lane AS l ON l.id = t.lane JOIN prismq_queue AS q ON q.id = l.queue
          LEFT JOIN prismq_payload AS p ON p.task = t.id LEFT JOIN prismq_key AS k ON k.id = l.key
     WHERE t.id = ?1
     UNION ALL
     SELECT t.task, q.name, l.type, l.requirements, t.state, t.priority, t.attempt, t.max_attempts,
            t.enqueued_at, t.run_at, NULL, t.completed_at, t.error, coalesce(t.payload, p.data),
            l.limits, l.keyed, k.name
     FROM prismq_kept AS t JOIN prismq_lane AS l ON l.id = t.lane JOIN prismq_queue AS q ON q.id = t.queue
          LEFT JOIN prismq_payload AS p ON p.task = t.task LEFT JOIN prismq_key AS k ON k.id = l.key
     WHERE t.task = ?1";
/// The name of a limit.
const LIMIT: &str = "SELECT name FROM prismq_limit WHERE id = ?1";
/// The unique key of a task.
const UNIQUE: &str = "SELECT key FROM prismq_unique WHERE task = ?1";
/// By when a task must start.
const START_BY: &str = "SELECT start_by FROM prismq_expiry WHERE task = ?1";

/// The row of a task, and what rows of other tables say of it; without what handlers recorded.
pub(super) fn row(connection: &Connection, id: TaskId) -> Result<Option<TaskInfo>> {
    let id = id.as_i64();
    let read = |row: &Row<'_>| Ok((task(row)?, row.get::<_, i64>(14)?));
    let found = connection.prepare_cached(TASK)?.query_row([id], read).optional()?;
    let Some((mut task, limit)) = found else { return Ok(None) };
    if limit != 0 {
        let name = connection.prepare_cached(LIMIT)?.query_row([limit], |row| row.get(0));
        task.limit = name.optional()?;
    }
    let key = connection.prepare_cached(UNIQUE)?.query_row([id], unique_key).optional()?;
    task.unique = key.flatten();
    let start_by = connection.prepare_cached(START_BY)?.query_row([id], |row| row.get(0));
    task.start_by = start_by.optional()?.map(Timestamp::from_micros);
    Ok(Some(task))
}

/// A digest of the payload is stored as a blob.
fn unique_key(row: &Row<'_>) -> Result<Option<UniqueKey>> {
    Ok(match row.get_ref(0)? {
        ValueRef::Text(key) => Some(UniqueKey::Key(String::from_utf8_lossy(key).into_owned())),
        ValueRef::Blob(_) => Some(UniqueKey::Payload),
        _ => None,
    })
}

fn task(row: &Row<'_>) -> Result<TaskInfo> {
    let state = state::loaded(row.get(4)?)?;
    let run_at = Timestamp::from_micros(row.get(9)?);
    Ok(TaskInfo {
        id: TaskId::from_i64(row.get(0)?),
        queue: row.get(1)?,
        task_type: row.get(2)?,
        requirements: Names::from_text(row.get_ref(3)?.as_str()?).to_strings(),
        state,
        limit: None,
        key: row.get(16)?,
        ordered: row.get::<_, i64>(15)? == Keyed::Ordered.stored(),
        unique: None,
        priority: row.get(5)?,
        attempt: row.get(6)?,
        max_attempts: row.get(7)?,
        enqueued_at: Timestamp::from_micros(row.get(8)?),
        run_at,
        start_by: None,
        lease_expires_at: row.get::<_, Option<i64>>(10)?.map(Timestamp::from_micros),
        completed_at: row.get::<_, Option<i64>>(11)?.map(Timestamp::from_micros),
        died_at: (state == State::Dead).then_some(run_at),
        error: row.get(12)?,
        payload: row.get(13)?,
        scheduled_for: None,
        attempts: Vec::new(),
        result: None,
        progress: None,
        checkpoint: None,
        log: Vec::new(),
    })
}
