//! Running one checkpoint, and its outcome.

use rusqlite::{Connection, Error, Result};

use crate::engine::DeferredLog;
use crate::engine::sqlite::connection::path_of;
use crate::engine::sqlite::connection::poison::Poison;
use crate::engine::sqlite::error;

/// How a checkpoint ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Outcome {
    /// Every page is copied: the WAL is reset.
    Done,
    /// Every page is copied, but a reader still uses the WAL.
    InUse,
    /// Some pages are not copied, as a reader holds an older snapshot.
    Pinned,
    /// Another process is checkpointing, or it failed.
    Undone,
}

/// Copies pages without waiting for any lock.
pub(super) fn checkpoint(connection: &Connection, poison: &Poison, log: &DeferredLog) -> Outcome {
    run_checkpoint(connection, "PRAGMA wal_checkpoint(PASSIVE)", poison, log)
}

/// Copies all pages while other processes cannot write, so that the WAL can be reset. Else several busy processes
/// would always find new pages.
pub(super) fn restart(connection: &Connection, poison: &Poison, log: &DeferredLog) -> Outcome {
    run_checkpoint(connection, "PRAGMA wal_checkpoint(RESTART)", poison, log)
}

/// Truncates the WAL if no other connection uses it.
pub(super) fn truncate(connection: &Connection, poison: &Poison, log: &DeferredLog) -> Outcome {
    run_checkpoint(connection, "PRAGMA wal_checkpoint(TRUNCATE)", poison, log)
}

/// The connection must not wait for locks: it would keep writers out until the last reader is done.
fn run_checkpoint(
    connection: &Connection,
    pragma: &'static str,
    poison: &Poison,
    log: &DeferredLog,
) -> Outcome {
    let run = || -> Result<Outcome> {
        connection.prepare_cached(pragma)?.query_row([], |row| {
            let (busy, pages, copied): (bool, i64, i64) = (row.get(0)?, row.get(1)?, row.get(2)?);
            Ok(match (busy, pages) {
                // Another connection is checkpointing: SQLite did not count pages.
                (true, ..0) => Outcome::Undone,
                _ if copied < pages => Outcome::Pinned,
                (true, _) => Outcome::InUse,
                (false, _) => Outcome::Done,
            })
        })
    };
    run().unwrap_or_else(|error| {
        poison_if_unsynced(&error, poison);
        let path = path_of(connection);
        log.add(move || {
            tracing::warn!(path, %error, pragma, "checkpoint failed: it will be retried");
        });
        Outcome::Undone
    })
}

pub(super) fn poison_if_unsynced(error: &Error, poison: &Poison) {
    if error::is_failed_sync(error) {
        poison.set(&format!("a checkpoint failed: {error}"));
    }
}
