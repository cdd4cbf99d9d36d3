//! From SQLite's result codes to the errors of the queue.

use std::io::{self, ErrorKind};
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use rusqlite::{ErrorCode, ffi};

use crate::engine::sqlite::connection::busy;
use crate::model::Error;

/// The queue's error for what SQLite answered outside of taking the write lock. To be asked before anything
/// else is done: see [`limit_reached`].
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
        _ if let Some(limit) = limit_reached(sqlite) => Error::Full { reason: limit.to_string() },
        _ if is_lock_stuck(sqlite) => Error::Poisoned {
            cause: format!("a lock on the file could not be given back: {error}"),
        },
        _ if busy::is_busy(&error) => Error::Busy { waited: Duration::ZERO },
        ErrorCode::DiskFull => Error::Full { reason: error.to_string() },
        // The queue writes nothing that a sound file's constraints refuse.
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

/// Reads, and calls what was read damaged only if no read failed.
///
/// SQLite passes on most reads that the system fails with EIO as damage of the file, and keeps nothing that would
/// show the difference. So what is found damaged is read again, and the error that the system leaves on this
/// thread meanwhile decides: a page that is damaged but can be read leaves none.
pub(super) fn read<T>(
    path: &Path,
    mut read: impl FnMut() -> rusqlite::Result<T>,
) -> Result<T, Error> {
    match read() {
        Err(error) if error.sqlite_error_code() == Some(ErrorCode::DatabaseCorrupt) => {}
        answer => return answer.map_err(|error| classify(path, error)),
    }
    // Leaves another error in the place of one of before: no file has an empty name.
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
            && limit_reached(sqlite).is_none()
    })
}

/// The limit that a write met, where SQLite has no code of its own for it: a quota, or the greatest size of a
/// file. It says which only by the error that the system left on this thread, so that this must be the first
/// question after the failure.
///
/// The system refuses such a write before it takes any of it, and the frame that ends a transaction is the last
/// to be written and comes before the sync: a COMMIT that meets a limit leaves the old state, on the disk too.
/// After any other failed write nobody knows what the system took.
fn limit_reached(sqlite: &ffi::Error) -> Option<io::Error> {
    let system = io::Error::last_os_error();
    let is_limit = matches!(system.kind(), ErrorKind::QuotaExceeded | ErrorKind::FileTooLarge);
    (sqlite.extended_code == ffi::SQLITE_IOERR_WRITE && is_limit).then_some(system)
}

/// Whether a lock was not given back. SQLite goes on as if it had been, and answers every later attempt to
/// take it in this process that the protocol of locks is broken; closing the file ends that.
fn is_lock_stuck(sqlite: &ffi::Error) -> bool {
    sqlite.code == ErrorCode::FileLockingProtocolFailed
        || matches!(sqlite.extended_code, ffi::SQLITE_IOERR_UNLOCK | ffi::SQLITE_IOERR_RDLOCK)
}

/// Whether the disk said that it failed to make something durable.
pub(super) fn is_failed_sync(error: &rusqlite::Error) -> bool {
    error.sqlite_error().is_some_and(|sqlite| {
        matches!(sqlite.extended_code, ffi::SQLITE_IOERR_FSYNC | ffi::SQLITE_IOERR_DIR_FSYNC)
    })
}

/// The error that the system left on this thread, whenever that was.
pub(super) fn left_by_system() -> Option<i32> {
    io::Error::last_os_error().raw_os_error()
}

/// Why a lock may not have been given back by a call that succeeded, which SQLite does not say: it would find
/// the write lock taken for ever, and so would every other process.
pub(super) fn kept_lock(left_before: Option<i32>) -> Option<String> {
    let left = left_by_system()?;
    let of_locks = [EIO, ENOLCK].contains(&left) && left_before != Some(left);
    of_locks.then(|| {
        let error = io::Error::from_raw_os_error(left);
        format!("a lock on the file could not be given back: {error}")
    })
}

/// Errors of a read that SQLite takes for damage of the file: EIO, ENXIO and ERANGE, the same on Linux, macOS and
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

    /// A lock that was not given back is never taken again in this process: only closing the file helps.
    #[test]
    fn a_lock_that_is_stuck_poisons() {
        for code in [ffi::SQLITE_PROTOCOL, ffi::SQLITE_IOERR_UNLOCK, ffi::SQLITE_IOERR_RDLOCK] {
            let error = rusqlite::Error::SqliteFailure(ffi::Error::new(code), None);
            let classified = classify(Path::new("queue.db"), error);
            assert!(matches!(classified, Error::Poisoned { .. }), "{code}: {classified:?}");
        }
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn a_lock_that_may_be_kept_is_seen_by_what_the_system_left() {
        use std::io::Read as _;

        assert!(std::fs::metadata("/a/path/that/is/not/there").is_err());
        let before = left_by_system();
        assert_eq!(kept_lock(before), None);
        // No page is mapped at address 0.
        let mut memory = std::fs::File::open("/proc/self/mem").unwrap();
        assert_eq!(memory.read(&mut [0]).unwrap_err().raw_os_error(), Some(EIO));
        assert!(kept_lock(before).unwrap().contains("Input/output error"));
        assert_eq!(kept_lock(Some(EIO)), None, "left by something else before");
    }

    /// What is found damaged, at each look with or without a read that fails.
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
    fn only_what_is_damaged_without_a_read_that_failed_is_damaged() {
        let error = found_damaged(&[true, true]);
        assert!(matches!(error, Error::Io { .. }) && error.is_transient(), "{error:?}");
        assert!(error.to_string().contains("Input/output error"), "{error}");
        assert!(matches!(found_damaged(&[false, true]), Error::Io { .. }));
        assert!(matches!(found_damaged(&[true, false]), Error::Corrupt { .. }));
        assert!(matches!(found_damaged(&[false, false]), Error::Corrupt { .. }));
    }

    #[test]
    fn a_write_that_fails_for_no_limit_leaves_the_disk_unknown() {
        // The error that is left on this thread.
        assert!(std::fs::metadata("/a/path/that/is/not/there").is_err());
        let error = rusqlite::Error::SqliteFailure(ffi::Error::new(ffi::SQLITE_IOERR_WRITE), None);
        assert!(leaves_disk_unknown(&error));
        assert!(matches!(classify(Path::new("queue.db"), error), Error::Io { .. }));
    }
}
