//! Creating the file, and removing it if opening then failed.

use std::fs;
use std::io::ErrorKind;
use std::path::Path;

use rusqlite::Connection;

use super::path::unusable;
use crate::engine::sqlite::connection::files::Identity;
use crate::engine::sqlite::{connection, schema};
use crate::model::Result;

/// Creates an empty file that only its owner can read; SQLite gives its `-wal` the same mode. `false` if another
/// process created it meanwhile.
pub(super) fn create(path: &Path) -> Result<bool> {
    Ok(create_identified(path)?.is_some())
}

/// The same, with the identity of the file that was created; `None` if another process created it meanwhile.
pub(super) fn create_identified(path: &Path) -> Result<Option<Identity>> {
    let mut options = fs::OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    match options.open(path).and_then(|file| file.metadata()) {
        Ok(metadata) => Ok(Some(Identity::of_metadata(&metadata))),
        Err(error) if error.kind() == ErrorKind::AlreadyExists => Ok(None),
        Err(error) => Err(unusable(path, format!("it cannot be created: {error}"))),
    }
}

/// Removes a file that this process created and could not open as a queue, unless another process uses it.
///
/// It is removed under SQLite's write lock. Another process that found the empty file creates its schema under the
/// same lock, after checking that the file still exists: see [`super::verify::create_queue`].
pub(super) fn remove_unused(path: &Path, identity: Identity) {
    let removed = lock_empty(path).map(|lock| {
        let ours = lock.is_some() && identity.still_at(path);
        if ours && let Err(error) = fs::remove_file(path) {
            tracing::warn!(%error, path = %path.display(), "opening failed and the empty file that was created could not be removed: remove it");
        }
    });
    if let Err(error) = removed {
        tracing::debug!(%error, path = %path.display(), "the file that was created is used by another process: not removed");
    }
}

/// A connection that holds the write lock of the file, if it is empty. Nothing is written, as the disk may be full:
/// the first page and its journal are in memory.
fn lock_empty(path: &Path) -> rusqlite::Result<Option<Connection>> {
    let connection = connection::connect(path)?;
    connection.execute_batch("BEGIN")?;
    if schema::content(&connection)? != schema::Content::Empty {
        return Ok(None);
    }
    // Fails inside a transaction if the file has another mode by now.
    connection::use_journal(&connection, "PRAGMA journal_mode = MEMORY")?;
    connection.pragma_update(None, "user_version", 0)?;
    Ok(Some(connection))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::sqlite::open::verify::create_queue;
    use crate::model::Error;

    #[test]
    fn an_empty_file_is_removed_unless_another_process_uses_it() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("queue.db");
        assert!(create(&path).unwrap());
        assert!(!create(&path).unwrap(), "it is there");
        let identity = Identity::of(&path).unwrap();
        let other = Connection::open(&path).unwrap();
        other.execute_batch("BEGIN IMMEDIATE").unwrap();
        remove_unused(&path, identity);
        assert!(path.exists(), "another process is making it a queue");

        other.execute_batch("COMMIT").unwrap();
        remove_unused(&path, identity);
        assert!(!path.exists());
        let late = create_queue(&path, identity, &other, true).unwrap_err();
        assert!(matches!(late, Error::Moved { .. }), "{late}");

        create(&path).unwrap();
        let identity = Identity::of(&path).unwrap();
        create_queue(&path, identity, &Connection::open(&path).unwrap(), true).unwrap();
        remove_unused(&path, identity);
        assert!(path.exists(), "it is a queue");
    }
}
