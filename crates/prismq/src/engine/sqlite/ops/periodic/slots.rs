//! Which slot a task was enqueued for.
//!
//! Nothing of this is done when a task is settled, so that settling costs the same. Instead, each time a schedule fires,
//! some rows are looked at in turn, and those whose tasks are gone are deleted: more than fires add.

use std::rc::Rc;

use rusqlite::types::Value;
use rusqlite::{Connection, Result, params};

use crate::engine::sqlite::batch::STEP_TASKS_MAX;
use crate::engine::sqlite::schema::Features;
use crate::engine::sqlite::writer::Writer;
use crate::model::{self, Lease, TaskId};
use crate::time::Timestamp;

/// Rows looked at for each that is added, and in addition.
const LOOK_EACH: usize = 2;
const LOOK_MORE: usize = 8;

/// Adds the slot of a task.
pub(crate) const ADD: &str = "INSERT INTO prismq_slot (task, slot) VALUES (?1, ?2)";
/// Changes the slot of a task.
pub(crate) const SET: &str = "UPDATE prismq_slot SET slot = ?2 WHERE task = ?1";
/// The rows that were looked at longest ago, and whether their tasks are stored.
pub(crate) const LOOK: &str = "SELECT place,
         EXISTS (SELECT 1 FROM prismq_task WHERE prismq_task.id = prismq_slot.task)
         OR EXISTS (SELECT 1 FROM prismq_kept WHERE prismq_kept.task = prismq_slot.task)
     FROM prismq_slot WHERE place > 0 ORDER BY place LIMIT ?1";
/// Deletes a row.
pub(crate) const DELETE: &str = "DELETE FROM prismq_slot WHERE place = ?1";
/// Moves a row behind all others.
pub(crate) const KEEP: &str =
    "UPDATE prismq_slot SET place = (SELECT max(place) + 1 FROM prismq_slot) WHERE place = ?1";

/// The slots of claimed tasks.
pub(crate) const OF_TASKS: &str =
    "SELECT task, slot FROM prismq_slot WHERE task IN (SELECT value FROM rarray(?1))";

impl Writer {
    /// Adds to leases which slots their tasks were enqueued for.
    pub(crate) fn note_slots(&self, leases: &mut [Lease]) -> model::Result<()> {
        if leases.is_empty() || !self.ledger.features.has(Features::PERIODIC) {
            return Ok(());
        }
        let ids: Vec<Value> = leases.iter().map(|lease| lease.id().as_i64().into()).collect();
        let slots: Vec<(i64, i64)> = self
            .prepare(OF_TASKS)?
            .query_map([Rc::new(ids)], |row| Ok((row.get(0)?, row.get(1)?)))
            .and_then(Iterator::collect)
            .map_err(|error| self.failure(error))?;
        for (task, slot) in slots {
            let of = leases.iter_mut().filter(|lease| lease.id().as_i64() == task);
            of.for_each(|lease| lease.scheduled_for = Some(Timestamp::from_micros(slot)));
        }
        Ok(())
    }
}

/// Deletes slots of tasks that are gone, as many as a transaction may.
pub(super) fn forget(connection: &Connection) -> Result<()> {
    look(connection, STEP_TASKS_MAX)
}

/// Adds the slots of these tasks, and deletes some of tasks that are gone.
pub(super) fn add(connection: &Connection, added: &[(TaskId, Timestamp)]) -> Result<()> {
    look(connection, LOOK_EACH * added.len() + LOOK_MORE)?;
    let mut add = connection.prepare_cached(ADD)?;
    for (task, slot) in added {
        add.execute(params![task.as_i64(), slot.as_micros()])?;
    }
    Ok(())
}

/// Gives a task that a schedule enqueued a later slot.
pub(super) fn set(connection: &Connection, task: TaskId, slot: Timestamp) -> Result<()> {
    connection.prepare_cached(SET)?.execute(params![task.as_i64(), slot.as_micros()]).map(drop)
}

/// Looks at this many rows.
fn look(connection: &Connection, rows: usize) -> Result<()> {
    let looked: Vec<(i64, bool)> = connection
        .prepare_cached(LOOK)?
        .query_map([rows], |row| Ok((row.get(0)?, row.get(1)?)))?
        .collect::<Result<_>>()?;
    for (place, is_stored) in looked {
        connection.prepare_cached(if is_stored { KEEP } else { DELETE })?.execute([place])?;
    }
    Ok(())
}
