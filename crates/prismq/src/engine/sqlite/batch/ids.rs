//! Task ids, which rise and are never used again.
//!
//! A lasting connection reserves more ids than it needs, so that most transactions write one page less: that of the
//! table `prismq_meta`. Once another connection has committed, the rest of the reservation is dropped, as the other may have
//! used higher ids, and a task enqueued later must have the higher one.

use rusqlite::{Connection, OptionalExtension, Result};

use crate::engine::sqlite::error;
use crate::model::limits::TASK_ID_MAX;

/// Ids reserved beyond those that are needed.
const SPARE: i64 = 32;
/// The next id, and the counter of frees.
const SEQUENCE: &str = "SELECT next_id, names_freed FROM prismq_meta";

/// The reserved ids.
#[derive(Debug, Default)]
pub(crate) struct Ids {
    next: i64,
    end: i64,
    spare: i64,
    /// What `PRAGMA data_version` was when they were reserved.
    version: Option<i64>,
    /// Whether the reservation was checked in this transaction.
    checked: bool,
    /// Whether `end` is to be written.
    changed: bool,
}

impl Ids {
    /// For a lasting connection.
    pub(crate) fn reserving() -> Self {
        Self { spare: SPARE, ..Self::default() }
    }

    /// Keeps the reservation if no other connection has committed since; else reads the next id from the file, and
    /// returns the counter of frees. Only inside a write transaction.
    pub(crate) fn check(&mut self, connection: &Connection) -> Result<Option<i64>> {
        if self.checked {
            return Ok(None);
        }
        let version =
            connection.prepare_cached("PRAGMA data_version")?.query_row([], |row| row.get(0))?;
        let mut freed = None;
        if self.version != Some(version) {
            let (next, names_freed) = connection
                .prepare_cached(SEQUENCE)?
                .query_row([], |row| Ok((row.get(0)?, row.get(1)?)))
                .optional()?
                .ok_or_else(|| error::damaged("the row of the next task id is missing"))?;
            (self.next, self.end, self.version) = (next, next, Some(version));
            freed = Some(names_freed);
        }
        self.checked = true;
        Ok(freed)
    }

    /// The next id, as of the last check.
    pub(crate) const fn next(&self) -> i64 {
        self.next
    }

    /// Whether this many ids are left.
    pub(crate) fn has(&self, count: usize) -> bool {
        let last = i64::try_from(count).ok().and_then(|count| self.next.checked_add(count - 1));
        self.next > 0 && last.is_some_and(|last| last <= TASK_ID_MAX)
    }

    /// Takes consecutive ids and returns the first. They must be left: see [`Self::has`].
    pub(crate) fn take(&mut self, count: usize) -> i64 {
        let first = self.next;
        self.next = first.saturating_add(i64::try_from(count).unwrap_or(i64::MAX));
        if self.next > self.end {
            // One after the last id is where they end.
            self.end = self.next.max(self.next.saturating_add(self.spare).min(TASK_ID_MAX + 1));
            self.changed = true;
        }
        first
    }

    /// Writes the reservation, inside its transaction.
    pub(crate) fn flush(&mut self, connection: &Connection) -> Result<()> {
        self.checked = false;
        if self.changed {
            connection
                .prepare_cached("UPDATE prismq_meta SET next_id = ?1")?
                .execute([self.end])?;
            self.changed = false;
        }
        Ok(())
    }

    /// Drops the reservation.
    pub(crate) fn clear(&mut self) {
        *self = Self { spare: self.spare, ..Self::default() };
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn connection(path: &std::path::Path) -> Connection {
        let connection = Connection::open(path).unwrap();
        let table =
            "PRAGMA journal_mode = WAL; CREATE TABLE IF NOT EXISTS prismq_meta (next_id, names_freed);
                     INSERT INTO prismq_meta SELECT 1, 0 WHERE NOT EXISTS (SELECT 1 FROM prismq_meta)";
        connection.execute_batch(table).unwrap();
        connection
    }

    fn take(ids: &mut Ids, connection: &Connection, count: usize) -> i64 {
        connection.execute_batch("BEGIN IMMEDIATE").unwrap();
        ids.check(connection).unwrap();
        assert!(ids.has(count));
        let first = ids.take(count);
        ids.flush(connection).unwrap();
        connection.execute_batch("COMMIT").unwrap();
        first
    }

    #[test]
    fn ids_rise_across_connections_and_are_never_used_twice() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("file");
        let [here, there, guest] = [(); 3].map(|()| connection(&path));
        let (mut ours, mut theirs) = (Ids::reserving(), Ids::reserving());
        let mut last = 0;
        for round in 1..50 {
            let count = 10 * round;
            let mut firsts = vec![take(&mut ours, &here, count), take(&mut ours, &here, count)];
            firsts.push(take(&mut theirs, &there, count));
            firsts.push(take(&mut Ids::default(), &guest, count));
            for first in firsts {
                assert!(first > last, "{first} after {last}");
                last = first + i64::try_from(count).unwrap() - 1;
            }
        }
    }

    #[test]
    fn rolled_back_ids_are_used_again_and_committed_ones_are_not() {
        let folder = tempfile::tempdir().unwrap();
        let connection = connection(&folder.path().join("file"));
        let mut ids = Ids::reserving();
        assert_eq!(take(&mut ids, &connection, 5), 1);
        connection.execute_batch("BEGIN IMMEDIATE").unwrap();
        ids.check(&connection).unwrap();
        ids.take(500);
        ids.flush(&connection).unwrap();
        connection.execute_batch("ROLLBACK").unwrap();
        ids.clear();
        let first = take(&mut ids, &connection, 1);
        assert!(first > 5, "{first}");
    }

    #[test]
    fn the_last_id_is_used_and_none_after_it() {
        let folder = tempfile::tempdir().unwrap();
        let connection = connection(&folder.path().join("file"));
        connection.execute("UPDATE prismq_meta SET next_id = ?1", [TASK_ID_MAX - 1]).unwrap();
        let mut ids = Ids::reserving();
        ids.check(&connection).unwrap();
        assert!(!ids.has(3));
        assert_eq!(take(&mut ids, &connection, 2), TASK_ID_MAX - 1);
        ids.clear();
        ids.check(&connection).unwrap();
        assert_eq!((ids.next(), ids.has(1)), (TASK_ID_MAX + 1, false));
    }
}
