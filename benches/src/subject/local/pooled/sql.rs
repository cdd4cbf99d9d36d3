//! The transactions of the yardstick, one for each operation, on the schema of prismq.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use rusqlite::{Connection, OptionalExtension as _, Transaction, TransactionBehavior, params};

use crate::subject::local::schema::{PAYLOAD_BYTES_INLINE_MAX, SCHEMA};
use crate::subject::{Census, Ending, TaskSpec};

const QUEUE: &str = "default";
/// As in prismq: the priority is above 47 bits of task id.
const SEQUENCE_BITS: u32 = 47;

/// A claimed task.
#[derive(Debug)]
pub(super) struct Claim {
    pub(super) id: i64,
    pub(super) token: i64,
    pub(super) attempt: u32,
    pub(super) max_attempts: u32,
    pub(super) task_type: &'static str,
    pub(super) payload: Vec<u8>,
    /// Whether the payload is stored out of line.
    pub(super) out_of_line: bool,
}

/// The result of a claim.
#[derive(Debug)]
pub(super) enum Claimed {
    /// A task was taken.
    Task(Claim),
    /// A task was seen but another took it.
    Conflict,
    /// There was nothing.
    Nothing,
}

fn begin(connection: &mut Connection) -> rusqlite::Result<Transaction<'_>> {
    connection.transaction_with_behavior(TransactionBehavior::Immediate)
}

fn now_micros() -> i64 {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    i64::try_from(now.as_micros()).unwrap_or(i64::MAX)
}

fn later(now: i64, by: Duration) -> i64 {
    now.saturating_add(i64::try_from(by.as_micros()).unwrap_or(i64::MAX))
}

pub(super) fn create_schema(connection: &mut Connection) -> rusqlite::Result<()> {
    let transaction = begin(connection)?;
    let exists: bool = transaction.query_row(
        "SELECT EXISTS (SELECT 1 FROM sqlite_schema WHERE type = 'table' AND name = 'prismq_task')",
        [],
        |row| row.get(0),
    )?;
    if !exists {
        transaction.execute_batch(SCHEMA)?;
    }
    transaction.commit()
}

pub(super) fn enqueue(connection: &mut Connection, task: &TaskSpec) -> rusqlite::Result<i64> {
    let transaction = begin(connection)?;
    let id = insert(&transaction, task)?;
    transaction.commit()?;
    Ok(id)
}

pub(super) fn enqueue_all(
    connection: &mut Connection,
    tasks: &[TaskSpec],
) -> rusqlite::Result<Vec<i64>> {
    let transaction = begin(connection)?;
    let ids = tasks.iter().map(|task| insert(&transaction, task)).collect::<Result<_, _>>()?;
    transaction.commit()?;
    Ok(ids)
}

fn insert(transaction: &Transaction<'_>, task: &TaskSpec) -> rusqlite::Result<i64> {
    let lane = match lane(transaction, task.task_type)? {
        Some(lane) => lane,
        None => add_lane(transaction, task.task_type)?,
    };
    let id: i64 = transaction
        .prepare_cached("UPDATE prismq_meta SET next_id = next_id + 1 RETURNING next_id - 1")?
        .query_row([], |row| row.get(0))?;
    let now = now_micros();
    let out_of_line = task.payload.len() > PAYLOAD_BYTES_INLINE_MAX;
    transaction
        .prepare_cached(
            "INSERT INTO prismq_task (id, lane, state, order_key, priority, max_attempts, enqueued_at,
                               run_at, payload)
             VALUES (?1, ?2, 0, ?3, ?4, ?5, ?6, ?6, ?7)",
        )?
        .execute(params![
            id,
            lane,
            (i64::from(task.priority) << SEQUENCE_BITS) + id,
            task.priority,
            task.max_attempts,
            now,
            (!out_of_line).then_some(task.payload.as_slice()),
        ])?;
    if out_of_line {
        transaction
            .prepare_cached("INSERT INTO prismq_payload (task, data) VALUES (?1, ?2)")?
            .execute(params![id, task.payload])?;
    }
    Ok(id)
}

fn lane(connection: &Connection, task_type: &str) -> rusqlite::Result<Option<i64>> {
    connection
        .prepare_cached(
            "SELECT prismq_lane.id FROM prismq_queue JOIN prismq_lane ON prismq_lane.queue = prismq_queue.id
             WHERE prismq_queue.name = ?1 AND prismq_lane.type = ?2",
        )?
        .query_row([QUEUE, task_type], |row| row.get(0))
        .optional()
}

fn add_lane(transaction: &Transaction<'_>, task_type: &str) -> rusqlite::Result<i64> {
    transaction
        .execute("INSERT INTO prismq_queue (name) VALUES (?1) ON CONFLICT DO NOTHING", [QUEUE])?;
    transaction.query_row(
        "INSERT INTO prismq_lane (queue, type) SELECT id, ?2 FROM prismq_queue WHERE name = ?1 RETURNING id",
        [QUEUE, task_type],
        |row| row.get(0),
    )
}

/// Takes the first ready task of these types; before that, what is due becomes ready.
pub(super) fn claim(
    connection: &mut Connection,
    types: &[&'static str],
    lease: Duration,
) -> rusqlite::Result<Claimed> {
    let transaction = begin(connection)?;
    let now = now_micros();
    advance(&transaction, now)?;
    let claimed = match first_ready(&transaction, types)? {
        None => Claimed::Nothing,
        Some((id, task_type)) => take(&transaction, id, task_type, later(now, lease))?,
    };
    transaction.commit()?;
    Ok(claimed)
}

fn advance(transaction: &Transaction<'_>, now: i64) -> rusqlite::Result<()> {
    transaction
        .prepare_cached("UPDATE prismq_task SET state = 0 WHERE state = 1 AND run_at <= ?1")?
        .execute([now])?;
    transaction
        .prepare_cached(
            "UPDATE prismq_task SET state = iif(attempt < max_attempts, 0, 3), lease_expires_at = NULL
             WHERE state = 2 AND lease_expires_at <= ?1",
        )?
        .execute([now])?;
    Ok(())
}

fn first_ready(
    transaction: &Transaction<'_>,
    types: &[&'static str],
) -> rusqlite::Result<Option<(i64, &'static str)>> {
    let mut first: Option<((i64, i64), &'static str)> = None;
    for task_type in types {
        let Some(lane) = lane(transaction, task_type)? else { continue };
        let head: Option<(i64, i64)> = transaction
            .prepare_cached(
                "SELECT order_key, id FROM prismq_task WHERE state = 0 AND lane = ?1
                 ORDER BY order_key LIMIT 1",
            )?
            .query_row([lane], |row| Ok((row.get(0)?, row.get(1)?)))
            .optional()?;
        if let Some(place) = head
            && first.is_none_or(|(earliest, _)| place < earliest)
        {
            first = Some((place, task_type));
        }
    }
    Ok(first.map(|((_, id), task_type)| (id, task_type)))
}

fn take(
    transaction: &Transaction<'_>,
    id: i64,
    task_type: &'static str,
    expires_at: i64,
) -> rusqlite::Result<Claimed> {
    let mut taken = transaction
        .prepare_cached(
            "UPDATE prismq_task SET state = 2, token = token + 1, attempt = attempt + 1,
                             lease_expires_at = ?2
             WHERE id = ?1 AND state = 0
             RETURNING token, attempt, max_attempts, payload",
        )?
        .query_row([id, expires_at], |row| {
            let inline: Option<Vec<u8>> = row.get(3)?;
            Ok(Claim {
                id,
                token: row.get(0)?,
                attempt: row.get(1)?,
                max_attempts: row.get(2)?,
                task_type,
                out_of_line: inline.is_none(),
                payload: inline.unwrap_or_default(),
            })
        })
        .optional()?;
    if let Some(claim) = &mut taken
        && claim.out_of_line
    {
        claim.payload = transaction
            .prepare_cached("SELECT data FROM prismq_payload WHERE task = ?1")?
            .query_row([id], |row| row.get(0))?;
    }
    Ok(taken.map_or(Claimed::Conflict, Claimed::Task))
}

/// Completes the claimed task.
pub(super) fn complete(connection: &mut Connection, claim: &Claim) -> rusqlite::Result<Ending> {
    let transaction = begin(connection)?;
    let deleted = transaction
        .prepare_cached(
            "DELETE FROM prismq_task
             WHERE id = ?1 AND token = ?2 AND state = 2 AND lease_expires_at > ?3",
        )?
        .execute([claim.id, claim.token, now_micros()])?;
    if deleted > 0 && claim.out_of_line {
        transaction
            .prepare_cached("DELETE FROM prismq_payload WHERE task = ?1")?
            .execute([claim.id])?;
    }
    transaction.commit()?;
    Ok(if deleted == 0 { Ending::LeaseLost } else { Ending::Completed })
}

/// Records a failed attempt: the task is retried after `retry`, or dead.
pub(super) fn fail(
    connection: &mut Connection,
    claim: &Claim,
    error: &str,
    retry: Duration,
) -> rusqlite::Result<Ending> {
    let dead = claim.attempt >= claim.max_attempts;
    let state = if dead { 3 } else { 1 };
    let transaction = begin(connection)?;
    let now = now_micros();
    let updated = transaction
        .prepare_cached(
            "UPDATE prismq_task SET state = ?4, run_at = ?5, error = ?6, lease_expires_at = NULL
             WHERE id = ?1 AND token = ?2 AND state = 2 AND lease_expires_at > ?3",
        )?
        .execute(params![claim.id, claim.token, now, state, later(now, retry), error])?;
    transaction.commit()?;
    Ok(match (updated, dead) {
        (0, _) => Ending::LeaseLost,
        (_, true) => Ending::Dead,
        (_, false) => Ending::Retried,
    })
}

pub(super) fn census(connection: &Connection) -> rusqlite::Result<Census> {
    let count = |state: i64| -> rusqlite::Result<u64> {
        connection
            .prepare_cached("SELECT count(*) FROM prismq_task WHERE state = ?1")?
            .query_row([state], |row| row.get::<_, i64>(0))
            .map(|count| u64::try_from(count).unwrap_or(0))
    };
    Ok(Census { ready: count(0)?, scheduled: count(1)?, leased: count(2)?, dead: count(3)? })
}

pub(super) fn settings(connection: &Connection) -> rusqlite::Result<Vec<(String, String)>> {
    let names = [
        "synchronous",
        "journal_mode",
        "page_size",
        "cache_size",
        "mmap_size",
        "wal_autocheckpoint",
        "temp_store",
    ];
    let mut settings = Vec::with_capacity(names.len() + 1);
    for name in names {
        let value = connection.pragma_query_value(None, name, |row| {
            Ok(match row.get_ref(0)? {
                rusqlite::types::ValueRef::Integer(integer) => integer.to_string(),
                other => other.as_str().map_or_else(|_| format!("{other:?}"), str::to_owned),
            })
        })?;
        settings.push((name.to_owned(), value));
    }
    settings.push(("sqlite_version".to_owned(), rusqlite::version().to_owned()));
    Ok(settings)
}
