//! What a transaction in progress carries to its end: the lanes it met, what it counted, and the ids
//! it gave away. A rollback forgets all of it.

use rusqlite::{Connection, Result};

use super::counters::Counters;
use super::ids::Ids;
use super::lanes::Lanes;
use super::queues::Queues;
use crate::clock::Moment;

#[derive(Debug, Default)]
pub(super) struct Ledger {
    /// When the transaction is.
    pub(super) now: Moment,
    pub(super) lanes: Lanes,
    pub(super) counters: Counters,
    pub(super) queues: Queues,
    /// Whether the transaction is a caller's: what fails there is undone by the savepoint of the call, and names
    /// that nothing uses are left where they are.
    pub(super) of_caller: bool,
    pub(super) ids: Ids,
}

impl Ledger {
    /// A ledger for all transactions of a connection.
    pub(super) fn of_connection() -> Self {
        Self { ids: Ids::reserving(), ..Self::default() }
    }

    /// For a transaction at this time on a connection that checks foreign keys: deleting a lane there would look
    /// at every task of the file.
    pub(super) fn of_caller(now: Moment) -> Self {
        Self { now, of_caller: true, ..Self::default() }
    }

    /// Begins to add tasks: sees to it that what is remembered of ids and lanes holds.
    pub(super) fn begin_adding(&mut self, connection: &Connection) -> Result<()> {
        if let Some(freed) = self.ids.look(connection)? {
            self.lanes.keep_if_current(freed);
        }
        Ok(())
    }

    /// Reserves ids and returns the first of them.
    pub(super) fn take_ids(&mut self, connection: &Connection, count: usize) -> Result<i64> {
        self.begin_adding(connection)?;
        Ok(self.ids.take(count))
    }

    /// Writes what stands in the ledger, inside the transaction it belongs to.
    pub(super) fn flush(&mut self, connection: &Connection) -> Result<()> {
        self.ids.flush(connection)?;
        self.queues.flush(connection)?;
        self.counters.flush(connection, self.now)
    }

    /// Forgets a transaction that was rolled back.
    pub(super) fn clear(&mut self) {
        self.lanes.clear();
        self.counters.clear();
        self.queues.clear();
        self.ids.clear();
    }
}
