//! What a transaction in progress carries to its end: the lanes it met, what it counted, and the ids
//! it gave away. A rollback forgets all of it.

use rusqlite::{Connection, Result};

use super::counters::Counters;
use super::ids::Ids;
use super::lanes::Lanes;
use super::queues::Queues;

#[derive(Debug, Default)]
pub(super) struct Ledger {
    pub(super) lanes: Lanes,
    pub(super) counters: Counters,
    pub(super) queues: Queues,
    ids: Ids,
}

impl Ledger {
    /// A ledger for all transactions of a connection.
    pub(super) fn of_connection() -> Self {
        Self { ids: Ids::reserving(), ..Self::default() }
    }

    /// Reserves ids and returns the first of them.
    pub(super) fn take_ids(&mut self, connection: &Connection, count: usize) -> Result<i64> {
        self.ids.take(connection, count)
    }

    /// Writes what stands in the ledger, inside the transaction it belongs to.
    pub(super) fn flush(&mut self, connection: &Connection) -> Result<()> {
        self.ids.flush(connection)?;
        self.queues.flush(connection)?;
        self.counters.flush(connection)
    }

    /// Forgets a transaction that was rolled back.
    pub(super) fn clear(&mut self) {
        self.lanes.clear();
        self.counters.clear();
        self.queues.clear();
        self.ids.clear();
    }
}
