//! Ids for tasks, which rise and are never used again.
//!
//! A connection that stays reserves some more than it needs, so that most transactions write one page less:
//! that of the sequence. Once another connection has committed, what is left of them is given up, as the
//! other may have given away higher ones, and a task enqueued later must have the higher id.

use rusqlite::{Connection, Error, Result};

/// Ids reserved beyond those that are needed.
const SPARE: i64 = 32;

/// The ids that can be given away.
#[derive(Debug, Default)]
pub(super) struct Ids {
    next: i64,
    end: i64,
    spare: i64,
    /// What `PRAGMA data_version` was when they were reserved.
    version: i64,
    /// Whether it was looked at in this transaction.
    looked: bool,
    /// Whether `end` is to be written.
    changed: bool,
}

impl Ids {
    /// For a connection that stays.
    pub(super) fn reserving() -> Self {
        Self { spare: SPARE, ..Self::default() }
    }

    /// Takes ids that follow each other and returns the first. Only inside a transaction that writes.
    pub(super) fn take(&mut self, connection: &Connection, count: usize) -> Result<i64> {
        if !self.looked {
            self.look(connection)?;
        }
        let first = self.next;
        let count = i64::try_from(count).unwrap_or(i64::MAX);
        let next = first.checked_add(count).ok_or(out_of_ids(first))?;
        if next > self.end {
            self.end = next.checked_add(self.spare).ok_or(out_of_ids(next))?;
            self.changed = true;
        }
        self.next = next;
        Ok(first)
    }

    /// Writes what is reserved, inside the transaction that needed it.
    pub(super) fn flush(&mut self, connection: &Connection) -> Result<()> {
        self.looked = false;
        if self.changed {
            connection.prepare_cached("UPDATE sequence SET next_id = ?1")?.execute([self.end])?;
            self.changed = false;
        }
        Ok(())
    }

    /// Forgets what is reserved.
    pub(super) fn clear(&mut self) {
        *self = Self { spare: self.spare, ..Self::default() };
    }

    /// Goes on with what is reserved, if nobody else can have taken ids since.
    fn look(&mut self, connection: &Connection) -> Result<()> {
        let version =
            connection.prepare_cached("PRAGMA data_version")?.query_row([], |row| row.get(0))?;
        if self.version != version {
            self.next = connection
                .prepare_cached("SELECT next_id FROM sequence")?
                .query_row([], |row| row.get(0))?;
            self.end = self.next;
            self.version = version;
        }
        self.looked = true;
        Ok(())
    }
}

const fn out_of_ids(next: i64) -> Error {
    Error::IntegralValueOutOfRange(0, next)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn connection(path: &std::path::Path) -> Connection {
        let connection = Connection::open(path).unwrap();
        let table = "PRAGMA journal_mode = WAL; CREATE TABLE IF NOT EXISTS sequence (next_id);
                     INSERT INTO sequence SELECT 1 WHERE NOT EXISTS (SELECT 1 FROM sequence)";
        connection.execute_batch(table).unwrap();
        connection
    }

    fn take(ids: &mut Ids, connection: &Connection, count: usize) -> i64 {
        connection.execute_batch("BEGIN IMMEDIATE").unwrap();
        let first = ids.take(connection, count).unwrap();
        ids.flush(connection).unwrap();
        connection.execute_batch("COMMIT").unwrap();
        first
    }

    #[test]
    fn ids_rise_across_connections_and_none_is_given_twice() {
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
    fn what_was_rolled_back_can_be_taken_again_and_what_was_committed_cannot() {
        let folder = tempfile::tempdir().unwrap();
        let connection = connection(&folder.path().join("file"));
        let mut ids = Ids::reserving();
        assert_eq!(take(&mut ids, &connection, 5), 1);
        connection.execute_batch("BEGIN IMMEDIATE").unwrap();
        ids.take(&connection, 500).unwrap();
        ids.flush(&connection).unwrap();
        connection.execute_batch("ROLLBACK").unwrap();
        ids.clear();
        let first = take(&mut ids, &connection, 1);
        assert!(first > 5, "{first}");
    }

    #[test]
    fn the_last_id_is_followed_by_an_error() {
        let folder = tempfile::tempdir().unwrap();
        let connection = connection(&folder.path().join("file"));
        connection.execute("UPDATE sequence SET next_id = ?1", [i64::MAX - 1]).unwrap();
        let mut ids = Ids::reserving();
        ids.take(&connection, 3).unwrap_err();
    }
}
