//! A reader that keeps a snapshot of a database, as a report or a backup does. What the queue deletes or overwrites
//! meanwhile cannot be cleaned up: a WAL is not used again from its beginning, rows stay in tables and indexes.

use std::fs::{self, File};
use std::io::Read as _;
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::time::Duration;

use rusqlite::{Connection, OpenFlags};

use crate::base::clock::{Clock as _, SystemClock, Time};
use crate::base::error::{Error, Result};
use crate::scenario::stage::Database;
#[cfg(feature = "postgres")]
use crate::subject::SubjectKind;
#[cfg(feature = "postgres")]
use crate::subject::local::server;

/// How every SQLite database begins.
const MAGIC: [u8; 16] = *b"SQLite format 3\0";
/// A transaction has its snapshot from its first read on.
const READ: &str = "BEGIN; SELECT count(*) FROM sqlite_schema";

/// A snapshot, kept until it is dropped.
#[derive(Debug)]
pub struct Snapshot {
    _files: Vec<Connection>,
    #[cfg(feature = "postgres")]
    _server: Option<server::Connection>,
}

impl Snapshot {
    /// One of a database of this stage.
    ///
    /// # Errors
    /// [`Error::Subject`] if it cannot be read.
    pub fn of(database: &Database) -> Result<Self> {
        #[cfg(feature = "postgres")]
        if database.kind() == SubjectKind::Postgres {
            let connection = server::connect(database.path())?;
            let read = "BEGIN ISOLATION LEVEL REPEATABLE READ; SELECT number FROM meta";
            connection.run(read).map_err(Error::subject("be read during the load"))?;
            return Ok(Self { _files: Vec::new(), _server: Some(connection) });
        }
        Self::of_files(&[database.path().to_owned()])
    }

    /// One of each of these SQLite databases.
    ///
    /// # Errors
    /// [`Error::Subject`] if one cannot be read.
    pub fn of_files(files: &[PathBuf]) -> Result<Self> {
        let files = files.iter().map(|path| read(path)).collect::<rusqlite::Result<_>>();
        Ok(Self {
            _files: files.map_err(Error::subject("be read during the load"))?,
            #[cfg(feature = "postgres")]
            _server: None,
        })
    }
}

fn read(path: &Path) -> rusqlite::Result<Connection> {
    let reader = Connection::open_with_flags(path, OpenFlags::SQLITE_OPEN_READ_ONLY)?;
    reader.execute_batch(READ)?;
    Ok(reader)
}

/// Keeps a snapshot for this part of the time that counts from `began`, and blocks until its end.
///
/// # Errors
/// That of taking it.
pub fn keep(
    snapshot: impl FnOnce() -> Result<Snapshot>,
    began: Time,
    part: &Range<Duration>,
) -> Result<()> {
    SystemClock.wait_until(began + part.start);
    let _snapshot = snapshot()?;
    SystemClock.wait_until(began + part.end);
    Ok(())
}

/// The SQLite databases below a directory. What cannot be read is none.
#[must_use]
pub fn databases_below(directory: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    let mut left = vec![directory.to_owned()];
    while let Some(directory) = left.pop() {
        for entry in fs::read_dir(directory).into_iter().flatten().flatten() {
            let path = entry.path();
            match entry.file_type() {
                Ok(kind) if kind.is_dir() => left.push(path),
                Ok(kind) if kind.is_file() && is_database(&path) => found.push(path),
                _ => {}
            }
        }
    }
    found
}

fn is_database(path: &Path) -> bool {
    let mut start = [0; MAGIC.len()];
    let read = File::open(path).and_then(|mut file| file.read_exact(&mut start));
    read.is_ok() && start == MAGIC
}

#[cfg(test)]
mod tests {
    use rusqlite::Connection;

    use super::*;

    #[test]
    fn a_snapshot_keeps_the_wal_from_being_used_again() {
        let folder = tempfile::tempdir().unwrap();
        fs::create_dir(folder.path().join("deep")).unwrap();
        let path = folder.path().join("deep/store");
        let writer = Connection::open(&path).unwrap();
        writer
            .execute_batch(
                "PRAGMA journal_mode = wal; CREATE TABLE t (x); INSERT INTO t VALUES (1)",
            )
            .unwrap();
        fs::write(folder.path().join("other"), "no database").unwrap();
        let found = databases_below(folder.path());
        assert_eq!(found, [path]);

        let snapshot = Snapshot::of_files(&found).unwrap();
        writer.execute_batch("INSERT INTO t VALUES (2)").unwrap();
        let checkpoint = || {
            let read = |row: &rusqlite::Row<'_>| Ok((row.get::<_, i64>(1)?, row.get::<_, i64>(2)?));
            writer.query_row("PRAGMA wal_checkpoint(PASSIVE)", [], read).unwrap()
        };
        let (frames, copied) = checkpoint();
        assert!(copied < frames, "{copied} of {frames} frames");
        drop(snapshot);
        let (frames, copied) = checkpoint();
        assert_eq!(copied, frames);
    }

    #[test]
    fn a_database_that_cannot_be_read_is_an_error() {
        let missing = PathBuf::from("/nonexistent/store");
        assert!(Snapshot::of_files(&[missing]).is_err());
    }
}
