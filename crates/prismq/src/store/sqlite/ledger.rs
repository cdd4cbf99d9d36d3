//! What a transaction in progress carries to its end: the lanes it met, what it counted, and the ids
//! it gave away. A rollback forgets all of it.

use rusqlite::{Connection, OptionalExtension, Result};

use super::counters::Counters;
use super::failure;
use super::lanes::Lanes;
use super::queues::Queues;
use crate::limits::TASK_ID_MAX;

/// The next task id, and how often names were freed.
const SEQUENCE: &str = "SELECT next_id, names_freed FROM sequence";

#[derive(Debug, Default)]
pub(super) struct Ledger {
    pub(super) lanes: Lanes,
    pub(super) counters: Counters,
    pub(super) queues: Queues,
    /// Whether names that nothing uses are left where they are.
    pub(super) keeps_names: bool,
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
    /// For a transaction on a connection that checks foreign keys: deleting a lane there would look at every
    /// task of the file.
    pub(super) fn of_caller() -> Self {
        Self { keeps_names: true, ..Self::default() }
    }

    /// Begins to add tasks: sees to it that what is remembered of lanes holds, and returns the next id.
    pub(super) fn next_id(&mut self, connection: &Connection) -> Result<i64> {
        if let Some(ids) = self.ids {
            return Ok(ids.next);
        }
        let (next, freed) = connection
            .prepare_cached(SEQUENCE)?
            .query_row([], |row| Ok((row.get(0)?, row.get(1)?)))
            .optional()?
            .ok_or_else(|| failure::damaged("the row of the next task id is missing"))?;
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
            connection.prepare_cached("UPDATE sequence SET next_id = ?1")?.execute([ids.next])?;
        }
        self.queues.flush(connection)?;
        self.counters.flush(connection)
    }

    /// Forgets a transaction that was rolled back.
    pub(super) fn clear(&mut self) {
        self.lanes.clear();
        self.counters.clear();
        self.queues.clear();
        self.ids = None;
    }
}
