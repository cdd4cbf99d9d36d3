//! Time to live: a task that has not started in time becomes a dead letter.
//!
//! Entries that are due are looked at before the first claim of a transaction, up to a bound. A claim checks what it
//! leases as well, so that no task is given late however many are due; and a lease says when its task must have
//! started, for a pool that holds it ahead.

use std::collections::HashMap;
use std::rc::Rc;

use rusqlite::types::Value;
use rusqlite::{Connection, params};

use crate::engine::sqlite::batch::STEP_TASKS_MAX;
use crate::engine::sqlite::batch::lanes::Lane;
use crate::engine::sqlite::schema::{Features, state};
use crate::engine::sqlite::writer::Writer;
use crate::model::{Lease, Result, State};
use crate::time::Timestamp;

/// When the next entry is to be looked at.
pub(crate) const NEXT_LOOK: &str = "SELECT min(look_at) FROM prismq_expiry";
/// Entries to be looked at, each with its task's row.
pub(crate) const DUE: &str = "SELECT task, state, attempt, lane, lease_expires_at
     FROM prismq_expiry LEFT JOIN prismq_task ON prismq_task.id = prismq_expiry.task
     WHERE look_at <= ?1 ORDER BY look_at LIMIT ?2";
/// Of these tasks, those that must start in time.
pub(crate) const START_BY: &str =
    "SELECT task, start_by FROM prismq_expiry WHERE task IN (SELECT value FROM rarray(?1))";
/// Records by when a task must have started.
pub(crate) const INSERT: &str =
    "INSERT INTO prismq_expiry (task, start_by, look_at) VALUES (?1, ?2, ?2)";
/// Looks at an entry again later.
pub(crate) const LOOK_LATER: &str = "UPDATE prismq_expiry SET look_at = ?2 WHERE task = ?1";
/// Looks at an entry at once.
pub(crate) const LOOK_AGAIN: &str =
    "UPDATE prismq_expiry SET look_at = start_by WHERE task = ?1 AND look_at > start_by";
/// Deletes an entry.
pub(crate) const DELETE: &str = "DELETE FROM prismq_expiry WHERE task = ?1";
/// Makes a task a dead letter that never ran, as of this time.
pub(crate) const EXPIRE: &str = "UPDATE prismq_task SET
         state = 3, error = ?2, attempt = 0, lease_expires_at = NULL, suspect = 0, run_at = ?3
     WHERE id = ?1";
/// Counts expired tasks of a queue.
pub(crate) const COUNT: &str = "INSERT INTO prismq_expired (queue, count) VALUES (?1, ?2)
     ON CONFLICT (queue) DO UPDATE SET count = count + excluded.count";

/// The error of a task that expired.
const EXPIRED: &str = "expired: it was not started within its time to live";

/// Records by when a task that was just added must have started.
pub(crate) fn set(
    connection: &Connection,
    features: &mut Features,
    task: i64,
    start_by: Timestamp,
) -> rusqlite::Result<()> {
    features.begin_using(connection, Features::EXPIRY)?;
    connection.prepare_cached(INSERT)?.execute([task, start_by.as_micros()]).map(drop)
}

/// Forgets by when a task must have started.
pub(crate) fn clear(
    connection: &Connection,
    features: Features,
    task: i64,
) -> rusqlite::Result<()> {
    if features.has(Features::EXPIRY) {
        connection.prepare_cached(DELETE)?.execute([task])?;
    }
    Ok(())
}

/// A task goes back to its queue without having run: it may be late.
pub(crate) fn returned(
    connection: &Connection,
    features: Features,
    task: i64,
) -> rusqlite::Result<()> {
    if features.has(Features::EXPIRY) {
        connection.prepare_cached(LOOK_AGAIN)?.execute([task])?;
    }
    Ok(())
}

/// An entry to be looked at.
struct Due {
    task: i64,
    /// State, attempt, lane and the end of the lease; `None` if the task ended.
    row: Option<(i64, i64, i64, Option<i64>)>,
}

impl Writer {
    /// When the next entry is to be looked at, if there are any.
    pub(crate) fn next_look(&self) -> Result<Option<Timestamp>> {
        if self.ledger.features.has(Features::EXPIRY) {
            self.first(NEXT_LOOK, [])
        } else {
            Ok(None)
        }
    }

    /// Looks at entries that are due, up to [`STEP_TASKS_MAX`].
    pub(crate) fn expire_due(&mut self, now: Timestamp) -> Result<()> {
        if !self.ledger.features.has(Features::EXPIRY) {
            return Ok(());
        }
        for Due { task, row } in self.due_entries(now)? {
            match row {
                Some((state::LEASED, 1, _, until)) => {
                    // It has not started, perhaps: a lease that is released or reclaimed brings it back.
                    let again = until.unwrap_or(0).max(now.as_micros()).saturating_add(1);
                    self.execute(LOOK_LATER, [task, again])?;
                }
                Some((state, 0, lane, _)) if state != state::DEAD => {
                    self.expire(task, now)?;
                    if let Some(Lane { queue, .. }) = self.lane(lane)? {
                        let was = match state {
                            state::SCHEDULED => State::Scheduled,
                            _ => State::Ready,
                        };
                        self.ledger.limits.removed(lane, was);
                        let counters = self.ledger.counters.of(queue);
                        match state {
                            state::SCHEDULED => counters.scheduled -= 1,
                            state::LEASED => counters.leased -= 1,
                            _ => counters.ready -= 1,
                        }
                        counters.suspects -= i64::from(state == state::SUSPECT);
                        counters.dead += 1;
                        self.execute(COUNT, [queue, 1])?;
                    }
                }
                _ => {
                    self.execute(DELETE, [task])?;
                }
            }
        }
        Ok(())
    }

    fn due_entries(&self, now: Timestamp) -> Result<Vec<Due>> {
        let read = |row: &rusqlite::Row<'_>| {
            let state: Option<i64> = row.get(1)?;
            let row_of = match state {
                Some(state) => Some((state, row.get(2)?, row.get(3)?, row.get(4)?)),
                None => None,
            };
            Ok(Due { task: row.get(0)?, row: row_of })
        };
        self.prepare(DUE)?
            .query_map(params![now.as_micros(), STEP_TASKS_MAX], read)
            .and_then(Iterator::collect)
            .map_err(|error| self.failure(error))
    }

    /// Notes in each of these new leases by when its task must start. Those that are late become dead letters instead,
    /// and are returned.
    pub(crate) fn split_late(
        &self,
        queue: i64,
        leases: &mut Vec<Lease>,
        now: Timestamp,
    ) -> Result<Vec<Lease>> {
        if !self.ledger.features.has(Features::EXPIRY) || leases.is_empty() {
            return Ok(Vec::new());
        }
        let ids: Vec<Value> = leases.iter().map(|lease| lease.key.id.as_i64().into()).collect();
        let start_by: HashMap<i64, i64> = self
            .prepare(START_BY)?
            .query_map([Rc::new(ids)], |row| Ok((row.get(0)?, row.get(1)?)))
            .and_then(Iterator::collect)
            .map_err(|error| self.failure(error))?;
        if start_by.is_empty() {
            return Ok(Vec::new());
        }
        for lease in leases.iter_mut().filter(|lease| lease.attempt == 1) {
            let found = start_by.get(&lease.key.id.as_i64()).copied();
            lease.start_by = found.map(Timestamp::from_micros);
        }
        let late: Vec<Lease> = leases.extract_if(.., |lease| lease.is_late(now)).collect();
        for lease in &late {
            self.expire(lease.key.id.as_i64(), now)?;
        }
        if !late.is_empty() {
            let count = i64::try_from(late.len()).unwrap_or(i64::MAX);
            self.execute(COUNT, [queue, count])?;
        }
        Ok(late)
    }

    fn expire(&self, task: i64, now: Timestamp) -> Result<()> {
        self.execute(EXPIRE, params![task, EXPIRED, now.as_micros()])?;
        self.execute(DELETE, [task]).map(drop)
    }
}
