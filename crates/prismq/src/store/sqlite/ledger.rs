//! What a transaction in progress carries to its end: the lanes it met, what it counted, and the ids
//! it gave away. A rollback forgets all of it.

use rusqlite::{Connection, Result};

use super::counters::Counters;
use super::lanes::Lanes;
use super::queues::Queues;
use crate::clock::Moment;
use crate::limits::TASK_ID_MAX;

/// The next task id, and how often names were freed.
const SEQUENCE: &str = "SELECT next_id, names_freed FROM file";

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
    /// Known once the transaction was asked for some.
    ids: Option<Ids>,
}

/// The ids that are left to give away.
#[derive(Debug, Clone, Copy)]
struct Ids {
    next: i64,
    taken: bool,
}

impl Ledger {
    /// For a transaction at this time on a connection that checks foreign keys: deleting a lane there would look
    /// at every task of the file.
    pub(super) fn of_caller(now: Moment) -> Self {
        Self { now, of_caller: true, ..Self::default() }
    }

    /// Begins to add tasks: sees to it that what is remembered of lanes holds, and returns the next id.
    pub(super) fn next_id(&mut self, connection: &Connection) -> Result<i64> {
        if let Some(ids) = self.ids {
            return Ok(ids.next);
        }
        let (next, freed) = connection
            .prepare_cached(SEQUENCE)?
            .query_row([], |row| Ok((row.get(0)?, row.get(1)?)))?;
        self.lanes.keep_if_current(freed);
        self.ids = Some(Ids { next, taken: false });
        Ok(next)
    }

    /// Whether there are as many ids left, from this one on.
    pub(super) fn has_ids(next: i64, count: usize) -> bool {
        let last = i64::try_from(count).ok().and_then(|count| next.checked_add(count - 1));
        next > 0 && last.is_some_and(|last| last <= TASK_ID_MAX)
    }

    /// Reserves ids and returns the first of them.
    pub(super) fn take_ids(&mut self, connection: &Connection, count: usize) -> Result<i64> {
        let first = self.next_id(connection)?;
        let next = first.saturating_add(i64::try_from(count).unwrap_or(i64::MAX));
        self.ids = Some(Ids { next, taken: true });
        Ok(first)
    }

    /// Writes what stands in the ledger, inside the transaction it belongs to.
    pub(super) fn flush(&mut self, connection: &Connection) -> Result<()> {
        if let Some(ids) = self.ids.take()
            && ids.taken
        {
            connection.prepare_cached("UPDATE file SET next_id = ?1")?.execute([ids.next])?;
        }
        self.queues.flush(connection)?;
        self.counters.flush(connection, self.now)
    }

    /// Forgets a transaction that was rolled back.
    pub(super) fn clear(&mut self) {
        self.lanes.clear();
        self.counters.clear();
        self.queues.clear();
        self.ids = None;
    }
}
