//! From SQLite's result codes to the errors of the queue.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use rusqlite::{ErrorCode, ffi};

use super::busy;
use crate::error::Error;

/// The queue's error for what SQLite answered outside of taking the write lock.
pub(super) fn classify(path: &Path, error: rusqlite::Error) -> Error {
    let Some(sqlite) = error.sqlite_error() else {
        // A row that does not have the shape the schema promises.
        return Error::Corrupt { path: path.to_owned(), reason: error.to_string() };
    };
    let path = path.to_owned();
    match sqlite.code {
        _ if sqlite.extended_code == ffi::SQLITE_IOERR_SHMSIZE => {
            Error::Full { reason: error.to_string() }
        }
        _ if busy::is_busy(&error) => Error::Busy { waited: Duration::ZERO },
        ErrorCode::DiskFull => Error::Full { reason: error.to_string() },
        // The queue writes nothing that a sound file's constraints refuse.
        ErrorCode::DatabaseCorrupt | ErrorCode::ConstraintViolation => {
            Error::Corrupt { path, reason: error.to_string() }
        }
        ErrorCode::NotADatabase => Error::NotADatabase { path },
        ErrorCode::CannotOpen => {
            Error::Unusable { path, reason: format!("SQLite cannot open it: {error}") }
        }
        ErrorCode::ReadOnly => Error::Unusable {
            path,
            reason: "it cannot be written: check its permissions and those of its folder"
                .to_owned(),
        },
        ErrorCode::SystemIoFailure => Error::Io { source: Arc::new(error) },
        _ => Error::Database { source: Arc::new(error) },
    }
}

/// What a read found that a sound file does not hold.
pub(super) fn damaged(reason: impl Into<String>) -> rusqlite::Error {
    rusqlite::Error::ToSqlConversionFailure(reason.into().into())
}

/// Whether a number in a row was about to leave the range of its column; the statement is undone.
pub(super) fn is_overflow(error: &rusqlite::Error) -> bool {
    error
        .sqlite_error()
        .is_some_and(|sqlite| sqlite.extended_code == ffi::SQLITE_CONSTRAINT_DATATYPE)
}

/// Whether after this answer to COMMIT nobody knows what reached the disk: after a failed sync the
/// kernel may have dropped the pages and would report success the next time (Rebello et al.,
/// "Can Applications Recover from fsync Failures?", USENIX ATC 2020).
pub(super) fn leaves_disk_unknown(error: &rusqlite::Error) -> bool {
    error.sqlite_error().is_some_and(|sqlite| {
        sqlite.code == ErrorCode::SystemIoFailure
            && sqlite.extended_code != ffi::SQLITE_IOERR_SHMSIZE
    })
}

/// Whether the disk said that it failed to make something durable.
pub(super) fn is_failed_sync(error: &rusqlite::Error) -> bool {
    error.sqlite_error().is_some_and(|sqlite| {
        matches!(sqlite.extended_code, ffi::SQLITE_IOERR_FSYNC | ffi::SQLITE_IOERR_DIR_FSYNC)
    })
}
