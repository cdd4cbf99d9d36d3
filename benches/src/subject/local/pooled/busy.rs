//! Waiting for the write lock as SQLite's own `busy_timeout` does, but counted.
//!
//! Errors alone would hide the waits. `rusqlite` takes a bare function, which can know nothing of
//! its database: the count is one for the whole process, and users take differences.

use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;
use std::time::Duration;

use rusqlite::ErrorCode;

/// Milliseconds of each wait, as in SQLite's `sqliteDefaultBusyCallback`; the last one repeats.
const LADDER_MS: [u64; 12] = [1, 2, 5, 10, 15, 20, 25, 25, 25, 50, 50, 100];
/// Milliseconds after which the operation is answered busy.
const TIMEOUT_MS: u64 = 5000;

static WAITS: AtomicU64 = AtomicU64::new(0);

/// Waits of this process so far.
pub(super) fn waits() -> u64 {
    WAITS.load(Ordering::Relaxed)
}

/// The busy handler: `before` is how often it was called for the lock already.
pub(super) fn wait(before: i32) -> bool {
    let before = usize::try_from(before).unwrap_or(0);
    let waited: u64 = (0..before).map(rung).sum();
    if waited >= TIMEOUT_MS {
        return false;
    }
    WAITS.fetch_add(1, Ordering::Relaxed);
    thread::sleep(Duration::from_millis(rung(before).min(TIMEOUT_MS - waited)));
    true
}

fn rung(index: usize) -> u64 {
    LADDER_MS.get(index).or(LADDER_MS.last()).copied().unwrap_or(TIMEOUT_MS)
}

pub(in crate::subject) fn is_busy(error: &rusqlite::Error) -> bool {
    matches!(error.sqlite_error_code(), Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked))
}
