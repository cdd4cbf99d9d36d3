//! What a transaction in progress carries to its end: the lanes it met, what it counted, and the ids
//! it gave away. A rollback forgets all of it.

use rusqlite::{Connection, Result};

use super::counters::Counters;
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
    /// The next id to give away, once the transaction has taken some.
    next_id: Option<i64>,
}

impl Ledger {
    /// That of a transaction at this time.
    pub(super) fn at(now: Moment) -> Self {
        Self { now, ..Self::default() }
    }

    /// Reserves ids and returns the first of them.
    pub(super) fn take_ids(&mut self, connection: &Connection, count: usize) -> Result<i64> {
        let next = match self.next_id {
            Some(next) => next,
            None => connection
                .prepare_cached("SELECT next_id FROM file")?
                .query_row([], |row| row.get(0))?,
        };
        self.next_id = Some(next + i64::try_from(count).unwrap_or(i64::MAX));
        Ok(next)
    }

    /// Writes what stands in the ledger, inside the transaction it belongs to.
    pub(super) fn flush(&mut self, connection: &Connection) -> Result<()> {
        if let Some(next) = self.next_id.take() {
            connection.prepare_cached("UPDATE file SET next_id = ?1")?.execute([next])?;
        }
        self.queues.flush(connection)?;
        self.counters.flush(connection, self.now)
    }

    /// Forgets a transaction that was rolled back.
    pub(super) fn clear(&mut self) {
        self.lanes.clear();
        self.counters.clear();
        self.queues.clear();
        self.next_id = None;
    }
}
