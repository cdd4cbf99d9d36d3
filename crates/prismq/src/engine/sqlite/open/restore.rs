//! Restoring a backup to a path that nobody has open.
//!
//! The old file is taken out of WAL mode first, which SQLite does only for the last connection: it copies the WAL back
//! and removes it with its index, so that no old page is left to be replayed over the new file. From then on an exclusive
//! lock keeps others out until the new file is in its place.

use std::fs;
use std::path::Path;

use rusqlite::Connection;

use super::backup::{hold_snapshot, open_backup};
use super::copy::{Partial, Place, damage, refuse_leftovers};
use super::create::create;
use super::opening::OpeningGuard;
use super::path::{check_or_create, resolve, unusable};
use super::verify::{Found, verify};
use crate::engine::sqlite::batch::ledger::Ledger;
use crate::engine::sqlite::ops::dead_letters::expiry;
use crate::engine::sqlite::ops::manage::cancel;
use crate::engine::sqlite::ops::settle;
use crate::engine::sqlite::{connection, error, schema};
use crate::model::{Error, RestoreReport, Result, State, limits};
use crate::time::{Moment, Timestamp};

/// The running tasks of a file.
const RUNNING: &str = "SELECT id, token, lane, suspect FROM prismq_task WHERE state = 2";
/// When something was last changed, by both clocks.
const LAST_CHANGE: &str =
    "SELECT coalesce(max(changed_wall), 0), coalesce(max(changed_at), 0) FROM prismq_queue";

/// Puts a copy of a backup in the place of a file, or where none is.
pub(crate) fn restore(backup: &Path, target: &Path, release: bool) -> Result<RestoreReport> {
    let backup = resolve(backup)?;
    let target = resolve(target)?;
    let _guard = OpeningGuard::acquire(&target, limits::BUSY_WAIT_DEFAULT)?;
    let from = verified(&backup)?;
    if fs::symlink_metadata(&target).is_ok() {
        check_or_create(&target)?;
        return replace(&from, &target, release);
    }
    refuse_leftovers(&target)?;
    if !create(&target)? {
        return Err(Error::InUse { path: target });
    }
    let restored = replace(&from, &target, release);
    if restored.is_err() {
        _ = fs::remove_file(&target);
    }
    restored
}

/// A connection that reads a backup, which is an undamaged queue of this version.
fn verified(backup: &Path) -> Result<Connection> {
    let failure = |error| error::classify(backup, error);
    if !fs::symlink_metadata(backup).is_ok_and(|metadata| metadata.is_file()) {
        return Err(unusable(backup, "there is no such file to restore"));
    }
    let from = open_backup(backup).map_err(failure)?;
    hold_snapshot(&from).map_err(failure)?;
    if let Found::NoQueue { .. } = verify(backup, &from, false)? {
        return Err(unusable(backup, "it is empty: it holds no queue to restore"));
    }
    if let Some(reason) = damage(&from).map_err(failure)? {
        return Err(Error::Corrupt { path: backup.to_owned(), reason });
    }
    Ok(from)
}

/// Replaces a file that nobody has open.
fn replace(from: &Connection, target: &Path, release: bool) -> Result<RestoreReport> {
    let held = hold(target)?;
    refuse_leftovers(target)?;
    let partial = Partial::next_to(target)?;
    let copy = partial.fill(from)?;
    let running = prepare(&copy, release).map_err(|error| error::classify(target, error))?;
    let bytes = partial.complete(copy, Place::Held)?;
    drop(held);
    Ok(RestoreReport { bytes, running })
}

/// Locks a file that nobody else has open, without a WAL next to it, until the connection is dropped.
fn hold(path: &Path) -> Result<Connection> {
    let failure = |error: rusqlite::Error| match error::is_busy(&error) {
        true => Error::InUse { path: path.to_owned() },
        false => match error::classify(path, error) {
            Error::NotADatabase { .. } | Error::Corrupt { .. } => unusable(
                path,
                "it is damaged or no database, so that nobody can tell whether it is open: move it \
                 away with its -wal and -shm, and restore to where it was",
            ),
            error => error,
        },
    };
    let connection = connection::connect(path).map_err(failure)?;
    // Fails, or changes nothing, while another connection is open.
    let switched =
        connection::use_journal(&connection, "PRAGMA journal_mode = DELETE").map_err(failure)?;
    // No journal must be left next to the new file, if only for a moment.
    connection::use_journal(&connection, "PRAGMA journal_mode = MEMORY").map_err(failure)?;
    connection.execute_batch("BEGIN EXCLUSIVE").map_err(failure)?;
    // Another process may have opened it in between.
    let mode: String =
        connection.pragma_query_value(None, "journal_mode", |row| row.get(0)).map_err(failure)?;
    if switched != "delete" || mode != "memory" {
        return Err(Error::InUse { path: path.to_owned() });
    }
    Ok(connection)
}

/// Makes a copy a file of its own, and releases what was running if that is asked for. How many tasks were running.
fn prepare(copy: &Connection, release: bool) -> rusqlite::Result<u64> {
    renumber(copy)?;
    let running: Vec<(i64, i64, i64, bool)> = copy
        .prepare(RUNNING)?
        .query_map([], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?)))?
        .collect::<rusqlite::Result<_>>()?;
    if release {
        let transaction = copy.unchecked_transaction()?;
        let (wall, monotonic): (i64, i64) =
            copy.query_row(LAST_CHANGE, [], |row| Ok((row.get(0)?, row.get(1)?)))?;
        // Of the backup's time: nothing has happened since.
        let mut ledger = Ledger::of_caller(Moment {
            wall: Timestamp::from_micros(wall),
            monotonic: Timestamp::from_micros(monotonic),
        });
        ledger.features = schema::meta(copy)?.1;
        for (id, token, lane, suspect) in &running {
            let release = if *suspect { settle::RELEASE_SUSPECT } else { settle::RELEASE };
            copy.prepare_cached(release)?.execute([id, token])?;
            if let Some(found) = ledger.lanes.by_id(copy, *lane)? {
                if found.is_limited() {
                    ledger.limits.left_lease(*lane, State::Ready);
                }
                let counters = ledger.counters.of(found.queue);
                counters.leased -= 1;
                counters.ready += 1;
                counters.suspects += i64::from(*suspect);
            }
            expiry::returned(copy, ledger.features, *id)?;
            cancel::end_if_requested(copy, &mut ledger, *id)?;
        }
        ledger.flush(copy)?;
        transaction.commit()?;
    }
    Ok(running.len() as u64)
}

/// Draws a new number for a copy, so that no lease of the original fits it.
pub(super) fn renumber(copy: &Connection) -> rusqlite::Result<()> {
    copy.execute("UPDATE prismq_meta SET number = random()", []).map(drop)
}
