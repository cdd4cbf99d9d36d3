//! Unique keys: whether a key is taken, what becomes of the task that holds it, and recording who holds it next.
//!
//! One seek finds the holder of a key with its task. Nothing is written when a task starts or ends, so that rows of free
//! keys are left behind: each insertion of a unique task looks at [`SWEEP`] rows and deletes those whose tasks are gone.

use rusqlite::types::{ToSqlOutput, ValueRef};
use rusqlite::{Connection, OptionalExtension, Row, params};

use super::PAYLOAD_BYTES_INLINE_MAX;
use crate::engine::sqlite::batch::ledger::Ledger;
use crate::engine::sqlite::ops::dead_letters::expiry;
use crate::engine::sqlite::schema::state;
use crate::model::{
    Digest, Enqueued, Hold, KeyInputs, NewTask, OnConflict, TaskId, Unique, sha256,
};
use crate::time::{Moment, Timestamp};

/// The task that holds a key, or held it last, and its row.
pub(crate) const HOLDER: &str =
    "SELECT prismq_unique.task, hold, until, digest, state, attempt, lane, suspect
     FROM prismq_unique LEFT JOIN prismq_task ON prismq_task.id = prismq_unique.task
     WHERE prismq_unique.type = ?1 AND prismq_unique.key = ?2";
/// Records which task holds a key.
pub(crate) const INSERT: &str = "INSERT INTO prismq_unique (task, type, key, hold, until, digest) VALUES (?1, ?2, ?3, ?4, ?5, ?6)";
/// Forgets who held a key.
pub(crate) const DELETE: &str = "DELETE FROM prismq_unique WHERE task = ?1";
/// The next holders in the order of their ids.
pub(crate) const AFTER: &str =
    "SELECT prismq_unique.task, hold, until, digest, state, attempt, lane, suspect
     FROM prismq_unique LEFT JOIN prismq_task ON prismq_task.id = prismq_unique.task
     WHERE prismq_unique.task > ?1 ORDER BY prismq_unique.task LIMIT ?2";
/// Gives a waiting task another payload, priority and due time.
pub(crate) const REPLACE: &str = "UPDATE prismq_task SET payload = ?2, priority = ?3, order_key = ?4, run_at = ?5, state = ?6 WHERE id = ?1";
/// Gives a waiting task another due time.
pub(crate) const PUSH_BACK: &str =
    "UPDATE prismq_task SET order_key = ?2, run_at = ?3, state = ?4 WHERE id = ?1";
/// The priority of a task.
pub(crate) const PRIORITY: &str = "SELECT priority FROM prismq_task WHERE id = ?1";
/// Records the digest of a replaced payload, where it is not the key.
pub(crate) const SET_DIGEST: &str =
    "UPDATE prismq_unique SET digest = ?2 WHERE task = ?1 AND digest IS NOT NULL";

/// How many rows each insertion looks at for keys that are free: more than the one it adds, so that they cannot pile up.
const SWEEP: usize = 2;

pub(crate) const WHILE_WAITING: i64 = 0;
pub(crate) const UNTIL_DONE: i64 = 1;
pub(crate) const PERIOD: i64 = 2;

/// The task that holds a key, or held it last.
struct Holder {
    task: i64,
    hold: i64,
    until: Option<i64>,
    digest: Option<Digest>,
    /// `None` if it has no row: it was completed, cancelled or deleted.
    row: Option<HolderRow>,
}

struct HolderRow {
    state: i64,
    attempt: i64,
    lane: i64,
    suspect: bool,
}

impl Holder {
    fn read(row: &Row<'_>) -> rusqlite::Result<Self> {
        let state: Option<i64> = row.get(4)?;
        let task_row = match state {
            None => None,
            Some(state) => Some(HolderRow {
                state,
                attempt: row.get(5)?,
                lane: row.get(6)?,
                suspect: row.get(7)?,
            }),
        };
        Ok(Self {
            task: row.get(0)?,
            hold: row.get(1)?,
            until: row.get(2)?,
            digest: row.get(3)?,
            row: task_row,
        })
    }

    /// Whether it still holds its key.
    fn holds(&self, now: Timestamp) -> bool {
        match (self.hold, &self.row) {
            (PERIOD, _) => self.until.is_some_and(|until| until > now.as_micros()),
            (_, None) => false,
            (WHILE_WAITING, Some(row)) => {
                !matches!(row.state, state::LEASED | state::DEAD) && row.attempt == 0
            }
            (_, Some(row)) => row.state != state::DEAD,
        }
    }
}

impl Holder {
    /// Whether it will never hold its key again. A task that has a row may: one that is leased, if it is released
    /// before it begins, and a dead one, if it is redriven.
    fn is_spent(&self, now: Timestamp) -> bool {
        match self.hold {
            PERIOD => !self.holds(now),
            _ => self.row.is_none(),
        }
    }
}

impl HolderRow {
    /// Whether it waits to run, so that its row may be changed.
    const fn waits(&self) -> bool {
        matches!(self.state, state::READY | state::SCHEDULED | state::SUSPECT)
    }
}

/// The key as it is stored: a text, or the digest of the payload.
fn stored_key<'a>(unique: &'a Unique, digest: &'a Digest) -> ToSqlOutput<'a> {
    ToSqlOutput::Borrowed(match &unique.key {
        Some(key) => ValueRef::Text(key.as_bytes()),
        None => ValueRef::Blob(digest),
    })
}

fn digest_of(task: &NewTask, unique: &Unique) -> Digest {
    unique.digest.unwrap_or_else(|| sha256(&task.payload))
}

/// What became of a unique task whose key is taken; `None` if it is free. The row of its last holder is deleted then.
pub(super) fn resolve(
    connection: &Connection,
    ledger: &mut Ledger,
    now: Moment,
    task: &NewTask,
    unique: &Unique,
) -> rusqlite::Result<Option<Enqueued>> {
    let digest = digest_of(task, unique);
    let found = connection
        .prepare_cached(HOLDER)?
        .query_row(params![&*task.task_type, stored_key(unique, &digest)], Holder::read)
        .optional()?;
    let Some(holder) = found else {
        return Ok(None);
    };
    if !holder.holds(now.monotonic) {
        connection.prepare_cached(DELETE)?.execute([holder.task])?;
        return Ok(None);
    }
    let id = TaskId::from_i64(holder.task);
    if let Some(row) = holder.row.as_ref().filter(|row| row.waits())
        && unique.on_conflict != OnConflict::Keep
        && update(connection, ledger, now, task, (holder.task, row), unique.on_conflict)?
    {
        if unique.on_conflict == OnConflict::Replace {
            connection.prepare_cached(SET_DIGEST)?.execute(params![holder.task, digest])?;
        }
        return Ok(Some(Enqueued::Updated(id)));
    }
    // Of a key that is the payload, no digest is stored.
    let same = holder.digest.is_none_or(|stored| stored == digest);
    Ok(Some(if same { Enqueued::Duplicate(id) } else { Enqueued::Conflict(id) }))
}

/// Whether a task's key is taken, without changing anything.
pub(super) fn is_taken(
    connection: &Connection,
    now: Timestamp,
    task: &NewTask,
    unique: &Unique,
) -> rusqlite::Result<bool> {
    let digest = digest_of(task, unique);
    let found = connection
        .prepare_cached(HOLDER)?
        .query_row(params![&*task.task_type, stored_key(unique, &digest)], Holder::read)
        .optional()?;
    Ok(found.is_some_and(|holder| holder.holds(now)))
}

/// Changes the waiting task that holds a key. `false` if its lane is missing, so that it cannot run.
fn update(
    connection: &Connection,
    ledger: &mut Ledger,
    now: Moment,
    task: &NewTask,
    (id, row): (i64, &HolderRow),
    change: OnConflict,
) -> rusqlite::Result<bool> {
    let Some(queue) = ledger.lanes.queue_of(connection, row.lane)? else {
        return Ok(false);
    };
    let run_at = now.monotonic.after(task.delay_from(now));
    let next = match (run_at > now.monotonic, row.suspect) {
        (true, _) => state::SCHEDULED,
        (false, true) => state::SUSPECT,
        (false, false) => state::READY,
    };
    let priority = match change {
        OnConflict::Replace => task.priority,
        _ => connection.prepare_cached(PRIORITY)?.query_row([id], |row| row.get(0))?,
    };
    let settings = ledger.queues.of(connection, queue)?;
    let order_key = settings.order()?.key(KeyInputs {
        id,
        priority,
        run_at: run_at.as_micros(),
        virtual_time: settings.virtual_time,
        chance: fastrand::f64(),
    });
    let run_at = run_at.as_micros();
    if change == OnConflict::Replace {
        let inline = (task.payload.len() <= PAYLOAD_BYTES_INLINE_MAX).then_some(&*task.payload);
        connection
            .prepare_cached(REPLACE)?
            .execute(params![id, inline, priority, order_key, run_at, next])?;
        connection.prepare_cached("DELETE FROM prismq_payload WHERE task = ?1")?.execute([id])?;
        expiry::clear(connection, ledger.features, id)?;
        if let Some(time) = task.expires_after {
            expiry::set(connection, &mut ledger.features, id, now.monotonic.after(time))?;
        }
        if inline.is_none() {
            super::insert_payload(connection, id, &task.payload)?;
        }
    } else {
        connection.prepare_cached(PUSH_BACK)?.execute(params![id, order_key, run_at, next])?;
    }
    ledger.limits.removed(row.lane, state::loaded(row.state)?);
    ledger.limits.enqueued(row.lane, state::loaded(next)?);
    let counters = ledger.counters.of(queue);
    for (state, change) in [(row.state, -1), (next, 1)] {
        match state {
            state::SCHEDULED => counters.scheduled += change,
            _ => counters.ready += change,
        }
        counters.suspects += if state == state::SUSPECT { change } else { 0 };
    }
    Ok(true)
}

/// Records that a task that was added holds its key, which is free, and forgets some keys that are free.
pub(super) fn hold(
    connection: &Connection,
    ledger: &mut Ledger,
    now: Moment,
    id: i64,
    task: &NewTask,
    unique: &Unique,
) -> rusqlite::Result<()> {
    let digest = digest_of(task, unique);
    let (hold, until) = match unique.hold {
        Hold::WhileWaiting => (WHILE_WAITING, None),
        Hold::UntilDone => (UNTIL_DONE, None),
        Hold::Period(period) => (PERIOD, Some(now.monotonic.after(period).as_micros())),
    };
    let payload = unique.key.as_ref().map(|_| digest);
    let key = stored_key(unique, &digest);
    connection.prepare_cached(INSERT)?.execute(params![
        id,
        &*task.task_type,
        key,
        hold,
        until,
        payload
    ])?;
    sweep(connection, ledger, now.monotonic)
}

/// Deletes the rows of keys that are free for good among the next few, round and round.
fn sweep(connection: &Connection, ledger: &mut Ledger, now: Timestamp) -> rusqlite::Result<()> {
    // Processes that add only a few tasks each must not all look at the same.
    let after = ledger.swept_to.unwrap_or_else(|| fastrand::i64(0..ledger.ids.next().max(1)));
    let next: Vec<Holder> = connection
        .prepare_cached(AFTER)?
        .query_map(params![after, SWEEP], Holder::read)?
        .collect::<rusqlite::Result<_>>()?;
    // From the start again at the end, or it would only ever see what was just added.
    let last = next.get(SWEEP - 1).map_or(0, |holder| holder.task);
    ledger.swept_to = Some(last);
    for holder in next.iter().filter(|holder| holder.is_spent(now)) {
        connection.prepare_cached(DELETE)?.execute([holder.task])?;
    }
    Ok(())
}
