//! Errors of SQLite as errors of the queue, and what a failed commit left on the disk.

use std::io::{self, ErrorKind};
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use rusqlite::{ErrorCode, ffi};

use crate::model::Error;

/// The queue's error for an error of SQLite, except while the write lock is taken. To be called before any other
/// system call: see [`limit_reached`].
pub(super) fn classify(path: &Path, error: rusqlite::Error) -> Error {
    let Some(sqlite) = error.sqlite_error() else {
        // A row that does not match the schema.
        return Error::Corrupt { path: path.to_owned(), reason: error.to_string() };
    };
    let path = path.to_owned();
    match sqlite.code {
        _ if sqlite.extended_code == ffi::SQLITE_IOERR_SHMSIZE => {
            Error::Full { reason: error.to_string() }
        }
        _ if let Some(limit) = limit_reached(sqlite) => Error::Full { reason: limit.to_string() },
        _ if is_lock_stuck(sqlite) => {
            Error::Poisoned { cause: format!("a lock on the file could not be released: {error}") }
        }
        _ if is_busy(&error) => Error::Busy { waited: Duration::ZERO },
        ErrorCode::DiskFull => Error::Full { reason: error.to_string() },
        // The queue writes nothing that violates the constraints of an undamaged file.
        ErrorCode::DatabaseCorrupt | ErrorCode::ConstraintViolation => {
            Error::Corrupt { path, reason: error.to_string() }
        }
        ErrorCode::NotADatabase => Error::NotADatabase { path },
        ErrorCode::CannotOpen => {
            let system = io::Error::last_os_error();
            Error::Unusable { path, reason: format!("SQLite cannot open it: {error} ({system})") }
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

/// So that `?` works for the driver's own calls where a function returns the queue's error, as in the closure of
/// [`Queue::transaction`](crate::Queue::transaction). What the application's statement did wrong is no fault of the
/// queue's file.
impl From<rusqlite::Error> for Error {
    fn from(error: rusqlite::Error) -> Self {
        match error.sqlite_error_code() {
            _ if is_busy(&error) => Self::Busy { waited: Duration::ZERO },
            Some(ErrorCode::DiskFull) => Self::Full { reason: error.to_string() },
            Some(ErrorCode::SystemIoFailure) => Self::Io { source: Arc::new(error) },
            // SQLite's general error (invalid SQL, a missing table), and what the driver itself refuses, such as a value
            // of another type.
            None
            | Some(
                ErrorCode::Unknown
                | ErrorCode::ConstraintViolation
                | ErrorCode::TypeMismatch
                | ErrorCode::TooBig
                | ErrorCode::AuthorizationForStatementDenied
                | ErrorCode::ParameterOutOfRange
                | ErrorCode::ApiMisuse,
            ) => Self::Statement { source: Arc::new(error) },
            Some(_) => Self::Database { source: Arc::new(error) },
        }
    }
}

/// Reads, and reports damage only if no read failed.
///
/// SQLite reports most reads that fail with EIO as damage of the file. What looks damaged is therefore read again, and
/// the system's last error on this thread decides: a damaged page that can be read leaves none.
pub(super) fn read<T>(
    path: &Path,
    mut read: impl FnMut() -> rusqlite::Result<T>,
) -> Result<T, Error> {
    match read() {
        Err(error) if error.sqlite_error_code() == Some(ErrorCode::DatabaseCorrupt) => {}
        answer => return answer.map_err(|error| classify(path, error)),
    }
    // Replaces an earlier last error by another: no file has an empty name.
    _ = std::fs::symlink_metadata("");
    read().map_err(|error| {
        let system = io::Error::last_os_error();
        let failed = error.sqlite_error_code() == Some(ErrorCode::DatabaseCorrupt)
            && system.raw_os_error().is_some_and(|code| READ_ERRORS.contains(&code));
        if !failed {
            return classify(path, error);
        }
        let code = ffi::Error::new(ffi::SQLITE_IOERR_READ);
        let source = rusqlite::Error::SqliteFailure(code, Some(format!("a read failed: {system}")));
        Error::Io { source: Arc::new(source) }
    })
}

/// Damage that a read found.
pub(super) fn damaged(reason: impl Into<String>) -> rusqlite::Error {
    rusqlite::Error::ToSqlConversionFailure(reason.into().into())
}

/// Whether a lock of another connection was in the way.
pub(super) fn is_busy(error: &rusqlite::Error) -> bool {
    matches!(error.sqlite_error_code(), Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked))
}

/// Whether a number in a row would exceed its column's range; the statement had no effect.
pub(super) fn is_overflow(error: &rusqlite::Error) -> bool {
    error
        .sqlite_error()
        .is_some_and(|sqlite| sqlite.extended_code == ffi::SQLITE_CONSTRAINT_DATATYPE)
}

/// Whether it is unknown what reached the disk after this error of COMMIT: after a failed sync the kernel may have
/// dropped the pages, and would report success the next time (Rebello et al., "Can Applications Recover from fsync
/// Failures?", USENIX ATC 2020).
pub(super) fn leaves_disk_unknown(error: &rusqlite::Error) -> bool {
    error.sqlite_error().is_some_and(|sqlite| {
        sqlite.code == ErrorCode::SystemIoFailure
            && sqlite.extended_code != ffi::SQLITE_IOERR_SHMSIZE
            && limit_reached(sqlite).is_none()
    })
}

/// The limit that a write reached, where SQLite has no code for it: a quota, or the maximum size of a file. Only the
/// system's last error on this thread shows which, so that this must be called first after the failure.
///
/// The system refuses such a write as a whole, and the frame that ends a transaction is written last, before the sync:
/// a COMMIT that reaches a limit leaves the old state, on the disk too. After any other failed write it is unknown
/// what was written.
fn limit_reached(sqlite: &ffi::Error) -> Option<io::Error> {
    let system = io::Error::last_os_error();
    let is_limit = matches!(system.kind(), ErrorKind::QuotaExceeded | ErrorKind::FileTooLarge);
    (sqlite.extended_code == ffi::SQLITE_IOERR_WRITE && is_limit).then_some(system)
}

/// Whether a lock was not released. SQLite continues as if it had been, and fails every later attempt to take it in
/// this process with a locking protocol error, until the file is closed.
fn is_lock_stuck(sqlite: &ffi::Error) -> bool {
    sqlite.code == ErrorCode::FileLockingProtocolFailed
        || matches!(sqlite.extended_code, ffi::SQLITE_IOERR_UNLOCK | ffi::SQLITE_IOERR_RDLOCK)
}

/// Whether a sync failed.
pub(super) fn is_failed_sync(error: &rusqlite::Error) -> bool {
    error.sqlite_error().is_some_and(|sqlite| {
        matches!(sqlite.extended_code, ffi::SQLITE_IOERR_FSYNC | ffi::SQLITE_IOERR_DIR_FSYNC)
    })
}

/// The system's last error on this thread, however old.
pub(super) fn last_system_error() -> Option<i32> {
    io::Error::last_os_error().raw_os_error()
}

/// Why a lock may not have been released by a call that succeeded, which SQLite does not report: the write lock would
/// stay taken for every process.
pub(super) fn unreleased_lock(error_before: Option<i32>) -> Option<String> {
    let left = last_system_error()?;
    let of_locks = [EIO, ENOLCK].contains(&left) && error_before != Some(left);
    of_locks.then(|| {
        let error = io::Error::from_raw_os_error(left);
        format!("a lock on the file could not be released: {error}")
    })
}

/// Errors of a read that SQLite reports as damage of the file: EIO, ENXIO and ERANGE, the same on Linux, macOS and
/// the BSDs.
const READ_ERRORS: [i32; 3] = [EIO, 6, 34];

const EIO: i32 = 5;
#[cfg(target_os = "linux")]
const ENOLCK: i32 = 37;
#[cfg(not(target_os = "linux"))]
const ENOLCK: i32 = 77;

#[cfg(test)]
mod tests {
    use super::*;

    /// A lock that was not released cannot be taken again in this process until the file is closed.
    #[test]
    fn a_stuck_lock_poisons() {
        for code in [ffi::SQLITE_PROTOCOL, ffi::SQLITE_IOERR_UNLOCK, ffi::SQLITE_IOERR_RDLOCK] {
            let error = rusqlite::Error::SqliteFailure(ffi::Error::new(code), None);
            let classified = classify(Path::new("queue.db"), error);
            assert!(matches!(classified, Error::Poisoned { .. }), "{code}: {classified:?}");
        }
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn a_lock_that_was_not_released_is_seen_by_the_last_system_error() {
        use std::io::Read as _;

        assert!(std::fs::metadata("/a/path/that/is/not/there").is_err());
        let before = last_system_error();
        assert_eq!(unreleased_lock(before), None);
        // No page is mapped at address 0.
        let mut memory = std::fs::File::open("/proc/self/mem").unwrap();
        assert_eq!(memory.read(&mut [0]).unwrap_err().raw_os_error(), Some(EIO));
        assert!(unreleased_lock(before).unwrap().contains("Input/output error"));
        assert_eq!(unreleased_lock(Some(EIO)), None, "from something else before");
    }

    /// The error of damage that is found while reads fail or not, in turn.
    #[cfg(target_os = "linux")]
    fn found_damaged(fails: &[bool]) -> Error {
        use std::io::Read as _;

        let mut fails = fails.iter();
        let found = read::<()>(Path::new("queue.db"), || {
            if *fails.next().unwrap() {
                let mut memory = std::fs::File::open("/proc/self/mem").unwrap();
                memory.read(&mut [0]).unwrap_err();
            }
            Err(rusqlite::Error::SqliteFailure(ffi::Error::new(ffi::SQLITE_CORRUPT), None))
        });
        assert_eq!(fails.len(), 0);
        found.unwrap_err()
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn damage_is_reported_only_if_no_read_failed() {
        let error = found_damaged(&[true, true]);
        assert!(matches!(error, Error::Io { .. }) && error.is_transient(), "{error:?}");
        assert!(error.to_string().contains("Input/output error"), "{error}");
        assert!(matches!(found_damaged(&[false, true]), Error::Io { .. }));
        assert!(matches!(found_damaged(&[true, false]), Error::Corrupt { .. }));
        assert!(matches!(found_damaged(&[false, false]), Error::Corrupt { .. }));
    }

    #[test]
    fn after_a_failed_write_that_reached_no_limit_the_disk_is_unknown() {
        // Becomes the last system error on this thread.
        assert!(std::fs::metadata("/a/path/that/is/not/there").is_err());
        let error = rusqlite::Error::SqliteFailure(ffi::Error::new(ffi::SQLITE_IOERR_WRITE), None);
        assert!(leaves_disk_unknown(&error));
        assert!(matches!(classify(Path::new("queue.db"), error), Error::Io { .. }));
    }
}
