//! Running out of memory inside SQLite.
#![expect(unsafe_code, reason = "a function of SQLite's that rusqlite does not wrap")]

use rusqlite::ffi::sqlite3_hard_heap_limit64;

/// Limits SQLite's memory in this process to this many bytes from now on; 0 for no limit. Returns the limit before.
#[must_use]
pub fn limit_sqlite_heap(bytes: i64) -> i64 {
    // SAFETY: it only sets a number, under a lock of SQLite's own.
    unsafe { sqlite3_hard_heap_limit64(bytes) }
}
