//! What operators do with tasks by id: cancelling, deleting, redriving. Which tasks is decided before, by a read
//! (`engine/sqlite/reader/find/`); here each is changed only if it still is what it was.
//!
//! These are functions of a connection and a ledger, as the thread that keeps retention deletes too.

pub(crate) mod cancel;
pub(crate) mod delete;
pub(crate) mod redrive;
pub(crate) mod retain;

use std::rc::Rc;

use rusqlite::{Connection, OptionalExtension, Result};

use crate::engine::sqlite::batch::kept::records;
use crate::engine::sqlite::batch::ledger::Ledger;
use crate::engine::sqlite::schema::state;
use crate::engine::{Seen, Target};
use crate::model::{State, TaskId};

/// A task that may be changed.
pub(crate) const FIND: &str =
    "SELECT id, lane, state, token, payload IS NULL FROM prismq_task WHERE id = ?1";
/// Deletes a task.
pub(crate) const REMOVE: &str = "DELETE FROM prismq_task WHERE id = ?1";
/// Deletes a payload that is stored out of line.
pub(crate) const REMOVE_PAYLOAD: &str = "DELETE FROM prismq_payload WHERE task = ?1";

/// A stored task, as far as changing it needs.
#[derive(Debug, Clone, Copy)]
struct Stored {
    id: i64,
    lane: i64,
    state: i64,
    token: i64,
    /// Whether its payload is stored out of line.
    out_of_line: bool,
}

impl Stored {
    fn read(row: &rusqlite::Row<'_>) -> Result<Self> {
        Ok(Self {
            id: row.get(0)?,
            lane: row.get(1)?,
            state: row.get(2)?,
            token: row.get(3)?,
            out_of_line: row.get(4)?,
        })
    }

    /// The task of this id.
    fn of(connection: &Connection, id: TaskId) -> Result<Option<Self>> {
        connection.prepare_cached(FIND)?.query_row([id.as_i64()], Self::read).optional()
    }

    /// The task, if it still is what was found, and in one of the states.
    fn find(connection: &Connection, target: Target, states: &[State]) -> Result<Option<Self>> {
        if target.seen == Seen::Kept {
            return Ok(None);
        }
        let Some(task) = Self::of(connection, target.id)? else { return Ok(None) };
        if target.seen == Seen::Nothing && states.is_empty() {
            return Ok(Some(task));
        }
        let state = state::loaded(task.state)?;
        let is_meant = states.is_empty() || states.contains(&state);
        Ok(Some(task).filter(|task| is_meant && target.seen.is_same(task.token, state)))
    }

    /// Deletes its row, and what is stored of it elsewhere unless it is kept. Its queue, which counts one task less,
    /// if its lane is there.
    fn remove(
        self,
        connection: &Connection,
        ledger: &mut Ledger,
        kept: bool,
    ) -> Result<Option<i64>> {
        connection.prepare_cached(REMOVE)?.execute([self.id])?;
        if !kept {
            // One that was never claimed has no record.
            remove_belongings(connection, ledger, self.id, self.out_of_line, self.token > 0)?;
        }
        let queue = ledger.lanes.queue_of(connection, self.lane)?;
        if let Some(queue) = queue {
            ledger.counters.of(queue).left(self.state);
            ledger.limits.removed(self.lane, state::loaded(self.state)?);
        }
        Ok(queue)
    }
}

/// Deletes what is stored of a task outside of its row.
fn remove_belongings(
    connection: &Connection,
    ledger: &Ledger,
    id: i64,
    out_of_line: bool,
    recorded: bool,
) -> Result<()> {
    if out_of_line {
        connection.prepare_cached(REMOVE_PAYLOAD)?.execute([id])?;
    }
    if recorded {
        records::delete(connection, ledger.features, &Rc::new(vec![id.into()]))?;
    }
    Ok(())
}
