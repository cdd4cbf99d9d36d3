//! Deleting tasks that do not run, those kept as history among them.

use rusqlite::{Connection, OptionalExtension, Result};

use super::{Stored, remove_belongings};
use crate::engine::sqlite::batch::ledger::Ledger;
use crate::engine::sqlite::schema::state;
use crate::engine::{Seen, Targets};

/// Deletes a task that is kept as history.
pub(crate) const REMOVE_KEPT: &str =
    "DELETE FROM prismq_kept WHERE task = ?1 RETURNING queue, state, payload IS NULL, recorded";

/// Deletes these tasks, and returns how many there were. One that runs stays.
pub(crate) fn delete(
    connection: &Connection,
    ledger: &mut Ledger,
    Targets { tasks, states }: &Targets,
) -> Result<u64> {
    let mut deleted = 0;
    for target in tasks {
        let is_deleted = match Stored::find(connection, *target, states)? {
            Some(task) if task.state == state::LEASED => false,
            Some(task) => {
                if let Some(queue) = task.remove(connection, ledger, false)? {
                    ledger.counters.of(queue).deleted += 1;
                }
                true
            }
            None if target.seen == Seen::Kept => {
                delete_kept(connection, ledger, target.id.as_i64())?
            }
            None => false,
        };
        deleted += u64::from(is_deleted);
    }
    Ok(deleted)
}

fn delete_kept(connection: &Connection, ledger: &mut Ledger, id: i64) -> Result<bool> {
    let mut remove = connection.prepare_cached(REMOVE_KEPT)?;
    let kept = remove
        .query_row([id], |row| Ok((row.get(0)?, row.get::<_, i64>(1)?, row.get(2)?, row.get(3)?)))
        .optional()?;
    let Some((queue, state, out_of_line, recorded)) = kept else { return Ok(false) };
    remove_belongings(connection, ledger, id, out_of_line, recorded)?;
    let counters = ledger.counters.of(queue);
    match state {
        state::CANCELLED => counters.cancelled_kept -= 1,
        state::CANCELLED_BY_TYPE => {
            counters.cancelled_kept -= 1;
            counters.cancelled_kept_by_type -= 1;
        }
        state::COMPLETED_BY_TYPE => {
            counters.kept -= 1;
            counters.kept_by_type -= 1;
        }
        _ => counters.kept -= 1,
    }
    Ok(true)
}
