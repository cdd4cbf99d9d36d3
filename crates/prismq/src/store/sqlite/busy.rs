//! Taking the write lock: bounded, jittered and counted.
//!
//! SQLite's own busy handler waits a fixed ladder of up to 100 ms that starves late comers; here
//! every wait is short and random. Everything but `BEGIN IMMEDIATE` leaves the connection's timeout
//! to SQLite.

use std::sync::atomic::Ordering;
use std::thread;
use std::time::{Duration, Instant};

use rusqlite::{Connection, ErrorCode};

use crate::error::Error;
use crate::stats::ContentionCounters;

const FIRST_WAIT: Duration = Duration::from_micros(50);
const LONGEST_WAIT: Duration = Duration::from_millis(5);

/// Why the lock was not taken.
pub(super) enum BeginError {
    Busy { waited: Duration },
    Sql(rusqlite::Error),
}

impl BeginError {
    pub(super) fn map_sql(self, classify: impl FnOnce(rusqlite::Error) -> Error) -> Error {
        match self {
            Self::Busy { waited } => Error::Busy { waited },
            Self::Sql(error) => classify(error),
        }
    }
}

/// Begins a writing transaction, waiting up to `budget` for other connections to finish theirs.
/// The connection's own busy timeout must be zero.
pub(super) fn begin_immediate(
    connection: &Connection,
    budget: Duration,
    contention: &ContentionCounters,
) -> Result<(), BeginError> {
    let started = Instant::now();
    let mut longest = FIRST_WAIT;
    loop {
        let error = match connection
            .prepare_cached("BEGIN IMMEDIATE")
            .and_then(|mut begin| begin.execute([]))
        {
            Ok(_) => return Ok(()),
            Err(error) => error,
        };
        if !is_busy(&error) {
            return Err(BeginError::Sql(error));
        }
        let waited = started.elapsed();
        if waited >= budget {
            contention.busy_errors.fetch_add(1, Ordering::Relaxed);
            return Err(BeginError::Busy { waited });
        }
        let wait = longest.mul_f64(0.5 + 0.5 * fastrand::f64()).min(budget - waited);
        let slept = Instant::now();
        thread::sleep(wait);
        contention.add_busy_wait(slept.elapsed());
        longest = (longest * 2).min(LONGEST_WAIT);
    }
}

pub(super) fn is_busy(error: &rusqlite::Error) -> bool {
    matches!(error.sqlite_error_code(), Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked))
}
