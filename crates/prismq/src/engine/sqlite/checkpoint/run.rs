//! One checkpoint, by the statement that does it, and how it ended.

use rusqlite::{Connection, Error, Result};

use crate::engine::DeferredLog;
use crate::engine::sqlite::connection::poison::Poison;
use crate::engine::sqlite::error;

/// How a checkpoint ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Outcome {
    /// Every page is copied: the WAL starts over.
    Done,
    /// Every page is copied, but somebody is still at work in the WAL.
    InUse,
    /// A reader needs an older state of pages that are therefore not copied.
    Pinned,
    /// Another process is at the same work, or it failed.
    Undone,
}

/// Copies pages back without waiting for anyone.
pub(super) fn checkpoint(connection: &Connection, poison: &Poison, log: &DeferredLog) -> Outcome {
    run_checkpoint(connection, "PRAGMA wal_checkpoint(PASSIVE)", poison, log)
}

/// Copies all pages back while other processes cannot write, so that the WAL starts over. Several processes
/// that never pause would else always find pages that one of them has just added.
pub(super) fn restart(connection: &Connection, poison: &Poison, log: &DeferredLog) -> Outcome {
    run_checkpoint(connection, "PRAGMA wal_checkpoint(RESTART)", poison, log)
}

/// Cuts the WAL to nothing if nobody is at work in it.
pub(super) fn cut(connection: &Connection, poison: &Poison, log: &DeferredLog) -> Outcome {
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
                // SQLite did not get as far as counting: another connection checkpoints.
                (true, ..0) => Outcome::Undone,
                _ if copied < pages => Outcome::Pinned,
                (true, _) => Outcome::InUse,
                (false, _) => Outcome::Done,
            })
        })
    };
    run().unwrap_or_else(|error| {
        note(&error, poison);
        log.add(move || {
            tracing::warn!(%error, pragma, "a checkpoint failed: it is tried again");
        });
        Outcome::Undone
    })
}

pub(super) fn note(error: &Error, poison: &Poison) {
    if error::is_failed_sync(error) {
        poison.set(&format!("a checkpoint failed: {error}"));
    }
}
