//! Running out of memory inside SQLite.
#![expect(unsafe_code, reason = "a function of SQLite's that rusqlite does not wrap")]

use rusqlite::ffi::sqlite3_hard_heap_limit64;

/// Lets SQLite use no more than so many bytes in this whole process from now on; 0 for no limit. Gives
/// the limit that was.
#[must_use]
pub fn limit_sqlite_heap(bytes: i64) -> i64 {
    // SAFETY: it only sets a number, under a lock of SQLite's own.
    unsafe { sqlite3_hard_heap_limit64(bytes) }
}
