//! The file of a queue, as other programs open it.

use std::path::Path;

use rusqlite::Connection;
use rusqlite::backup::{Backup, StepResult};

use super::Fixture;

/// Changes rows without the queue, and without its checks.
pub(crate) fn alter(fixture: &Fixture, sql: &str) {
    let file = Connection::open(fixture.path()).unwrap();
    file.execute_batch("PRAGMA foreign_keys = OFF").unwrap();
    file.execute_batch(sql).unwrap();
}

/// Holds the write lock until the connection commits or is dropped.
pub(crate) fn lock(path: &Path) -> Connection {
    let other = Connection::open(path).unwrap();
    other.execute_batch("BEGIN IMMEDIATE").unwrap();
    other
}

/// Holds a snapshot for reading until the connection is dropped.
pub(crate) fn hold_snapshot(path: &Path) -> Connection {
    let reader = Connection::open(path).unwrap();
    reader.execute_batch("BEGIN; SELECT count(*) FROM prismq_task").unwrap();
    reader
}

/// Does what `sqlite3 queue.db ".restore backup.db"` does.
pub(crate) fn restore(fixture: &Fixture, from: &Path) {
    let from = Connection::open(from).unwrap();
    let mut to = Connection::open(fixture.path()).unwrap();
    let backup = Backup::new(&from, &mut to).unwrap();
    assert_eq!(backup.step(-1).unwrap(), StepResult::Done);
}
