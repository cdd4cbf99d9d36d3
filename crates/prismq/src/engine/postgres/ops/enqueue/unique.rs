//! Unique tasks: whether another task holds the key, and what becomes of that.

use std::time::Instant;

use tokio_postgres::Row;

use crate::engine::postgres::batch::queues::{LEASED, READY, SCHEDULED};
use crate::engine::postgres::batch::run::Run;
use crate::engine::postgres::client::{Columns, Value};
use crate::engine::postgres::ops::manage::LEAVE;
use crate::engine::{Seen, Target};
use crate::model::{
    Digest, Enqueued, Hold, KeyInputs, NewTask, OnConflict, Result, TaskId, Unique, sha256,
};
use crate::time::Timestamp;

/// The task that holds a key of a type, or held it last. Locked, so that no other transaction takes the key.
pub(crate) const HOLDER: &str = "SELECT u.task, u.hold, u.until, u.digest, t.state, t.attempt
     FROM prismq.unique_key u LEFT JOIN prismq.task t ON t.id = ANY (ARRAY[u.task])
     WHERE u.type = $1 AND u.key = $2 FOR UPDATE OF u";
/// Takes a key that nobody has; a row if so.
pub(crate) const INSERT: &str =
    "INSERT INTO prismq.unique_key (type, key, task, hold, until, digest)
     VALUES ($1, $2, $3, $4, $5, $6) ON CONFLICT DO NOTHING RETURNING task";
/// Takes a key that was held.
pub(crate) const TAKE: &str =
    "UPDATE prismq.unique_key SET task = $3, hold = $4, until = $5, digest = $6
     WHERE type = $1 AND key = $2";
/// Sets the digest of a changed payload.
pub(crate) const SET_DIGEST: &str =
    "UPDATE prismq.unique_key SET digest = $3 WHERE type = $1 AND key = $2 AND digest IS NOT NULL";
/// Changes a task that was taken out of where it waited, and lets it wait again.
pub(crate) const CHANGE: &str = "WITH t AS (UPDATE prismq.task t SET
         order_key = $2, run_at = $3, state = ($3::bigint > $4)::integer, priority = $5,
         payload = CASE WHEN $6 THEN $7 ELSE t.payload END, start_by = CASE WHEN $6 THEN $8 ELSE t.start_by END
         WHERE t.id = $1 RETURNING t.id, t.lane, t.line, t.suspect, t.order_key, t.run_at, t.state,
             t.start_by),
     r AS (INSERT INTO prismq.ready (lane, suspect, order_key, id)
           SELECT coalesce(line, lane), suspect, order_key, id FROM t WHERE state = 0),
     s AS (INSERT INTO prismq.scheduled (run_at, id) SELECT run_at, id FROM t WHERE state = 1),
     d AS (INSERT INTO prismq.deadline (at, id) SELECT start_by, id FROM t WHERE $6 AND start_by IS NOT NULL
           ON CONFLICT DO NOTHING)
     SELECT id, lane, CASE WHEN state = 0 THEN order_key END FROM t";
/// The column of the lane, before that of the key.
const PLACE: usize = 1;
/// Deletes keys after this one that nobody holds any more, among the next few. Those of tasks that are kept or dead stay
/// until the task is gone.
pub(crate) const SWEEP: &str = "DELETE FROM prismq.unique_key WHERE ctid = ANY (ARRAY(
         SELECT u.ctid FROM prismq.unique_key u
         WHERE (u.type, u.key) > ($1, $2) ORDER BY u.type, u.key LIMIT 2 FOR UPDATE SKIP LOCKED))
     AND CASE WHEN hold = 2 THEN until <= $3 ELSE (SELECT true FROM prismq.task t WHERE t.id = task) IS NULL END";

pub(crate) const WHILE_WAITING: i16 = 0;
pub(crate) const UNTIL_DONE: i16 = 1;
pub(crate) const PERIOD: i16 = 2;

/// The task that holds a key, or held it last.
struct Holder {
    task: i64,
    hold: i16,
    until: Option<i64>,
    digest: Option<Vec<u8>>,
    /// State and attempts; `None` if the task is gone.
    row: Option<(i16, i32)>,
}

impl Holder {
    fn read(row: &Row) -> Result<Self> {
        let (state, attempt): (Option<i16>, Option<i32>) = (row.column(4)?, row.column(5)?);
        Ok(Self {
            task: row.column(0)?,
            hold: row.column(1)?,
            until: row.column(2)?,
            digest: row.column(3)?,
            row: state.zip(attempt),
        })
    }

    /// Whether it holds the key at this time.
    fn holds(&self, now: Timestamp) -> bool {
        match (self.hold, self.row) {
            (PERIOD, _) => self.until.is_some_and(|until| until > now.as_micros()),
            (WHILE_WAITING, Some((state, attempt))) => is_waiting(state) && attempt == 0,
            (_, Some((state, _))) => is_waiting(state) || state == LEASED,
            (_, None) => false,
        }
    }
}

const fn is_waiting(state: i16) -> bool {
    matches!(state, READY | SCHEDULED)
}

/// The key as it is stored.
pub(super) fn stored_key(task: &NewTask, unique: &Unique) -> Vec<u8> {
    match &unique.key {
        Some(key) => [&[0], key.as_bytes()].concat(),
        None => [&[1], digest_of(task, unique).as_slice()].concat(),
    }
}

fn digest_of(task: &NewTask, unique: &Unique) -> Digest {
    unique.digest.unwrap_or_else(|| sha256(&task.payload))
}

/// Whether another task holds the key.
pub(super) fn is_taken(run: &mut Run<'_, '_>, task: &NewTask, unique: &Unique) -> Result<bool> {
    let holder = holder(run, task, &stored_key(task, unique))?;
    Ok(holder.is_some_and(|holder| holder.holds(run.now.monotonic)))
}

fn holder(run: &mut Run<'_, '_>, task: &NewTask, key: &Vec<u8>) -> Result<Option<Holder>> {
    let row = run.query(HOLDER, &[&&*task.task_type, key])?.pop();
    row.map(|row| Holder::read(&row)).transpose()
}

/// What became of a task whose key is held by another; `None` if it may be added, and holds the key with this id now.
pub(super) fn resolve(
    run: &mut Run<'_, '_>,
    id: i64,
    task: &NewTask,
    unique: &Unique,
) -> Result<Option<Enqueued>> {
    let now = run.now.monotonic;
    let key = stored_key(task, unique);
    let digest = digest_of(task, unique).to_vec();
    let (hold, until) = match unique.hold {
        Hold::WhileWaiting => (WHILE_WAITING, None),
        Hold::UntilDone => (UNTIL_DONE, None),
        Hold::Period(period) => (PERIOD, Some(now.after(period).as_micros())),
    };
    let of_payload = unique.key.as_ref().map(|_| digest.clone());
    let row: [&dyn Value; 6] = [&&*task.task_type, &key, &id, &hold, &until, &of_payload];
    let holder = loop {
        match holder(run, task, &key)? {
            Some(holder) => break holder,
            // Another transaction that takes it meanwhile is waited for, and seen next.
            None if run.query(INSERT, &row)?.is_empty() => {}
            None => {
                sweep(run, task, &key)?;
                return Ok(None);
            }
        }
    };
    if !holder.holds(now) {
        run.execute(TAKE, &row)?;
        return Ok(None);
    }
    let held_by = TaskId::from_i64(holder.task);
    let waits = holder.row.is_some_and(|(state, _)| is_waiting(state));
    let changes = unique.on_conflict;
    if waits && changes != OnConflict::Keep && change(run, holder.task, task, changes)? {
        if changes == OnConflict::Replace {
            run.execute(SET_DIGEST, &[&&*task.task_type, &key, &digest])?;
        }
        return Ok(Some(Enqueued::Updated(held_by)));
    }
    // Of a key that is the payload, no digest is stored.
    let same = holder.digest.is_none_or(|stored| stored == digest);
    Ok(Some(if same { Enqueued::Duplicate(held_by) } else { Enqueued::Conflict(held_by) }))
}

/// Deletes keys that nobody holds any more, after one that was added, unless looking for them takes long.
fn sweep(run: &mut Run<'_, '_>, task: &NewTask, key: &[u8]) -> Result<()> {
    if !run.shared.sweeps().are_spared(Instant::now()) {
        run.execute(SWEEP, &[&&*task.task_type, &key, &run.now.monotonic.as_micros()])?;
        if let Some(took) = run.took(1, 0) {
            run.shared.sweeps().took(took, Instant::now());
        }
    }
    Ok(())
}

/// Changes a task that waits: `false` if it was claimed or ended meanwhile.
fn change(run: &mut Run<'_, '_>, id: i64, task: &NewTask, changes: OnConflict) -> Result<bool> {
    let target = Target { id: TaskId::from_i64(id), seen: Seen::Nothing };
    let Some(stored) = run.find(&[target], &[])?.pop().filter(|stored| is_waiting(stored.state))
    else {
        return Ok(false);
    };
    let now = run.now;
    let run_at = now.monotonic.after(task.delay_from(now));
    let replaces = changes == OnConflict::Replace;
    let priority = if replaces { task.priority } else { stored.priority };
    let settings = run.queue(stored.queue)?;
    let order_key = settings.order.key(KeyInputs {
        id,
        priority,
        run_at: run_at.as_micros(),
        virtual_time: settings.virtual_time,
        chance: fastrand::f64(),
    });
    let start_by = task.expires_after.map(|time| now.monotonic.after(time).as_micros());
    let (due, at) = (run_at.as_micros(), now.monotonic.as_micros());
    let params: [&dyn Value; 8] =
        [&id, &order_key, &due, &at, &priority, &replaces, &&*task.payload, &start_by];
    run.execute(LEAVE, &[&vec![id]])?;
    let rows = run.query(CHANGE, &params)?;
    if run.is_of_caller() {
        // It is committed later, while claims may look for the task in vain.
        run.add_anywhere();
    } else {
        run.add_ready(&rows, PLACE)?;
    }
    let counters = run.counters.of(stored.queue);
    counters.count(stored.state, -1);
    counters.count(if run_at > now.monotonic { SCHEDULED } else { READY }, 1);
    // Others of its key may come before it now.
    run.limits.added(stored.line);
    run.limits.removed(stored.line);
    Ok(true)
}
