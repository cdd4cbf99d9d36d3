//! A reader that keeps a snapshot of a database, as a report or a backup does. What the queue deletes or overwrites
//! meanwhile cannot be cleaned up: a WAL is not used again from its beginning, rows stay in tables and indexes.

use std::fs::{self, File};
use std::io::Read as _;
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::mpsc::{Receiver, RecvTimeoutError};
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
/// What follows, two bytes later, in one that has a WAL: the versions of the format for writing and reading.
const WAL_OFFSET: usize = 2;
const WAL: [u8; 2] = [2, 2];
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

/// Keeps a snapshot for this part of the time that counts from `began`, and no longer than the load lasts, which has ended
/// once nobody holds the other end of `load`.
///
/// # Errors
/// That of taking it, or [`Error::Unfit`] if the load had ended before.
pub fn keep(
    snapshot: impl FnOnce() -> Result<Snapshot>,
    began: Time,
    part: &Range<Duration>,
    load: &Receiver<()>,
) -> Result<()> {
    let lasts_until = |at: Duration| {
        let left = (began + at).since(SystemClock.now());
        load.recv_timeout(left) == Err(RecvTimeoutError::Timeout)
    };
    if !part.start.is_zero() && !lasts_until(part.start) {
        let reason = format!("the load had ended before the reader came, after {:?}", part.start);
        return Err(Error::Unfit { reason });
    }
    let _snapshot = snapshot()?;
    lasts_until(part.end);
    Ok(())
}

/// The SQLite databases below a directory that have a WAL: in others a reader would keep writers out. What cannot be read
/// is none.
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
    let mut header = [0; MAGIC.len() + WAL_OFFSET + WAL.len()];
    let read = File::open(path).and_then(|mut file| file.read_exact(&mut header));
    read.is_ok() && header.starts_with(&MAGIC) && header.ends_with(&WAL)
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc::channel;

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
    fn a_database_without_a_wal_is_none() {
        let folder = tempfile::tempdir().unwrap();
        let writer = Connection::open(folder.path().join("store")).unwrap();
        writer.execute_batch("PRAGMA journal_mode = delete; CREATE TABLE t (x)").unwrap();
        assert_eq!(databases_below(folder.path()), Vec::<PathBuf>::new());
    }

    #[test]
    fn a_reader_leaves_with_the_load_and_says_so_if_it_came_later() {
        let none = || {
            Ok(Snapshot {
                _files: Vec::new(),
                #[cfg(feature = "postgres")]
                _server: None,
            })
        };
        let hour = Duration::from_secs(3_600);
        let (running, load) = channel::<()>();
        drop(running);
        let (now, began) = (Duration::ZERO, SystemClock.now());
        // Neither waits for an hour.
        assert!(keep(none, began, &(hour..hour * 2), &load).is_err());
        let (running, load) = channel();
        let taken = || {
            drop(running);
            none()
        };
        assert!(keep(taken, began, &(now..hour), &load).is_ok());
    }

    #[test]
    fn a_database_that_cannot_be_read_is_an_error() {
        let missing = PathBuf::from("/nonexistent/store");
        assert!(Snapshot::of_files(&[missing]).is_err());
    }
}
