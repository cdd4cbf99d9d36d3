//! Backing up an open queue.

use std::path::Path;
use std::time::Instant;

use rusqlite::{Connection, OpenFlags};

use super::copy::{Partial, Place, refuse_existing, refuse_leftovers};
use super::opening::OpeningGuard;
use super::path::resolve;
use super::restore::renumber;
use crate::engine::sqlite::{connection, error};
use crate::model::{BackupReport, Result, limits};

/// Copies the queue's file as it is now to a path where no file is.
pub(in crate::engine::sqlite) fn backup(source: &Path, target: &Path) -> Result<BackupReport> {
    let started = Instant::now();
    let target = resolve(target)?;
    let _guard = OpeningGuard::acquire(&target, limits::BUSY_WAIT_DEFAULT)?;
    refuse_existing(&target)?;
    let bytes = copy(source, &target)?;
    Ok(BackupReport { bytes, took: started.elapsed() })
}

fn copy(source: &Path, target: &Path) -> Result<u64> {
    refuse_leftovers(target)?;
    let partial = Partial::next_to(target)?;
    let from = snapshot(source)?;
    let copy = partial.fill(&from)?;
    drop(from);
    // A lease of the original must not fit its copy.
    renumber(&copy).map_err(|error| error::classify(target, error))?;
    partial.complete(copy, Place::Free)
}

/// A connection that reads the file as it is now, until it is dropped.
fn snapshot(path: &Path) -> Result<Connection> {
    let failure = |error| error::classify(path, error);
    let connection = connection::connect(path).map_err(failure)?;
    connection::let_sqlite_wait(&connection, limits::BUSY_WAIT_DEFAULT).map_err(failure)?;
    hold_snapshot(&connection).map_err(failure)?;
    Ok(connection)
}

/// A connection that reads a backup, which may be on a medium that cannot be written.
pub(super) fn open_backup(path: &Path) -> rusqlite::Result<Connection> {
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY
        | OpenFlags::SQLITE_OPEN_NO_MUTEX
        | OpenFlags::SQLITE_OPEN_NOFOLLOW
        | OpenFlags::SQLITE_OPEN_EXRESCODE;
    let connection = Connection::open_with_flags(path, flags)?;
    connection::distrust(&connection)?;
    connection::let_sqlite_wait(&connection, limits::BUSY_WAIT_DEFAULT)?;
    Ok(connection)
}

/// Begins a transaction that reads, so that all pages are of one moment.
pub(super) fn hold_snapshot(connection: &Connection) -> rusqlite::Result<()> {
    connection.execute_batch("BEGIN")?;
    connection.query_row("SELECT count(*) FROM sqlite_schema", [], |_| Ok(()))
}
