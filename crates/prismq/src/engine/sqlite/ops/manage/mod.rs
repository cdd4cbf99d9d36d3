//! What operators do with tasks by id: cancelling, deleting, redriving. Which tasks is decided before, by a read
//! (`engine/sqlite/reader/find/`); here each is changed only if it still is what it was.
//!
//! These are functions of a connection and a ledger, as the thread that keeps retention deletes too.

pub(crate) mod cancel;
pub(crate) mod delete;
pub(crate) mod redrive;

use std::rc::Rc;

use rusqlite::{Connection, OptionalExtension, Result, params};

use crate::engine::Target;
use crate::engine::sqlite::batch::kept::records;
use crate::engine::sqlite::batch::ledger::Ledger;
use crate::engine::sqlite::schema::state;

/// A task that may be changed, unless it was claimed since it was found.
pub(crate) const FIND: &str = "SELECT id, lane, state, token, payload IS NULL FROM prismq_task
     WHERE id = ?1 AND (?2 IS NULL OR token = ?2)";
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

    fn find(connection: &Connection, target: Target) -> Result<Option<Self>> {
        connection
            .prepare_cached(FIND)?
            .query_row(params![target.id.as_i64(), target.token], Self::read)
            .optional()
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
