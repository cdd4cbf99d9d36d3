//! Copies of a queue's file: made page by page from one snapshot, under a temporary name, verified, and only then put in
//! their place.
//!
//! SQLite's backup API copies pages as they are; `VACUUM INTO` would build every table and index anew, which takes
//! several times as long and as much of the processor. Either reads one snapshot, so that writers go on meanwhile.

use std::fs;
#[cfg(unix)]
use std::fs::File;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::thread;
use std::time::{Duration, Instant};

use rusqlite::Connection;
use rusqlite::backup::{Backup, StepResult};

use super::create::{create, create_identified};
use super::path::{resolve, unusable};
use crate::engine::sqlite::connection::files::{Identity, with_suffix};
use crate::engine::sqlite::{connection, error};
use crate::model::{Error, Result};

/// Pages copied in one step (4 MiB).
const STEP_PAGES: i32 = 1024;
/// How long a step waits for a lock, and how often it tries.
const BUSY_WAIT: Duration = Duration::from_secs(5);
const BUSY_PAUSE: Duration = Duration::from_millis(5);
/// Between a file and its copy that is not complete yet.
const PARTIAL: &str = ".partial";
const EXISTS: &str = "it exists already: a backup overwrites nothing";
const ANOTHER_COPY: &str = "another copy to the same name is being made";

/// What is at the place of a copy when the copy is put there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Place {
    /// Nothing, or the copy is refused.
    Free,
    /// A file that the caller holds locked, and that the copy replaces.
    Held,
}

/// A copy that is not complete yet: removed unless it is put in its place.
#[derive(Debug)]
pub(super) struct Partial {
    path: PathBuf,
    target: PathBuf,
    identity: Identity,
}

impl Partial {
    /// An empty file next to `target`, which only its owner can read. It takes the place of one that a killed process
    /// left. The caller keeps this process from making another copy to `target` meanwhile; one that another process
    /// makes loses its temporary name, and is refused when it completes.
    pub(super) fn next_to(target: &Path) -> Result<Self> {
        let path = resolve(&with_suffix(target, PARTIAL))?;
        // Left by a process that died.
        match fs::remove_file(&path) {
            Err(error) if error.kind() != ErrorKind::NotFound => {
                return Err(unusable(&path, format!("it cannot be removed: {error}")));
            }
            _ => {}
        }
        let Some(identity) = create_identified(&path)? else {
            return Err(unusable(&path, ANOTHER_COPY));
        };
        Ok(Self { path, target: target.to_owned(), identity })
    }

    /// Copies everything that `from` sees in the transaction it has open, and returns a connection to the copy.
    pub(super) fn fill(&self, from: &Connection) -> Result<Connection> {
        let failure = |error| error::classify(&self.path, error);
        let mut to = connection::connect(&self.path).map_err(failure)?;
        to.pragma_update(None, "fullfsync", true).map_err(failure)?;
        let backup = Backup::new(from, &mut to).map_err(failure)?;
        let mut busy_since = None;
        loop {
            match backup.step(STEP_PAGES).map_err(failure)? {
                StepResult::Done => break,
                StepResult::More => busy_since = None,
                _ => {
                    let since = *busy_since.get_or_insert_with(Instant::now);
                    if since.elapsed() >= BUSY_WAIT {
                        return Err(Error::Busy { waited: since.elapsed() });
                    }
                    thread::sleep(BUSY_PAUSE);
                }
            }
        }
        drop(backup);
        Ok(to)
    }

    /// Makes the copy a single file that needs none next to it, verifies it, and puts it in its place. Its length.
    pub(super) fn complete(self, copy: Connection, place: Place) -> Result<u64> {
        let failure = |error| error::classify(&self.path, error);
        let mode =
            connection::use_journal(&copy, "PRAGMA journal_mode = DELETE").map_err(failure)?;
        if mode != "delete" {
            return Err(unusable(&self.path, format!("its journal mode stays {mode}")));
        }
        // Verified as it is on the disk, not as it is cached. Opened while the other connection keeps the file's
        // identity from being given to another file.
        let verified = connection::connect(&self.path).map_err(failure)?;
        drop(copy);
        if let Some(reason) = damage(&verified).map_err(failure)? {
            return Err(Error::Corrupt { path: self.path.clone(), reason });
        }
        let metadata = fs::metadata(&self.path).map_err(|error| {
            unusable(&self.path, format!("its metadata cannot be read: {error}"))
        })?;
        if !self.identity.still_at(&self.path) {
            return Err(unusable(&self.path, ANOTHER_COPY));
        }
        verified.close().map_err(|(_, error)| failure(error))?;
        self.publish(place)?;
        Ok(metadata.len())
    }

    /// Gives the copy its name. No system renames portably without replacing, so that a free name is taken first, by
    /// an empty file that exists for the time of one system call.
    fn publish(&self, place: Place) -> Result<()> {
        if place == Place::Free && !create(&self.target)? {
            return Err(unusable(&self.target, EXISTS));
        }
        if let Err(error) = fs::rename(&self.path, &self.target) {
            if place == Place::Free {
                _ = fs::remove_file(&self.target);
            }
            return Err(unusable(&self.target, format!("the copy cannot be moved there: {error}")));
        }
        // A backup that is reported as failed leaves nothing.
        sync_folder(&self.target).inspect_err(|_| {
            if place == Place::Free && self.identity.still_at(&self.target) {
                _ = fs::remove_file(&self.target);
            }
        })
    }
}

impl Drop for Partial {
    fn drop(&mut self) {
        let is_partial = self.identity.still_at(&self.path);
        if !is_partial && !self.identity.still_at(&self.target) {
            // Another copy has taken the temporary name.
            return;
        }
        if is_partial {
            _ = fs::remove_file(&self.path);
        }
        // What SQLite could not remove is of no use to the copy in its place either.
        for suffix in ["-journal", "-wal", "-shm"] {
            _ = fs::remove_file(with_suffix(&self.path, suffix));
        }
    }
}

/// Refuses a path at which there is anything: a backup overwrites nothing.
pub(super) fn refuse_existing(path: &Path) -> Result<()> {
    match fs::symlink_metadata(path) {
        Ok(_) => Err(unusable(path, EXISTS)),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(()),
        Err(error) => Err(unusable(path, format!("its metadata cannot be read: {error}"))),
    }
}

/// What SQLite finds wrong with a file; `None` if nothing.
pub(super) fn damage(connection: &Connection) -> rusqlite::Result<Option<String>> {
    let found: String = connection.query_row("PRAGMA integrity_check(1)", [], |row| row.get(0))?;
    Ok((found != "ok").then_some(found))
}

/// Refuses a path next to which there is a file that SQLite would take for this one's.
pub(super) fn refuse_leftovers(path: &Path) -> Result<()> {
    for suffix in ["-wal", "-shm", "-journal"] {
        if fs::symlink_metadata(with_suffix(path, suffix)).is_ok() {
            let reason = format!(
                "its {suffix} is there without it, and would be taken for a part of it: move that away"
            );
            return Err(unusable(path, reason));
        }
    }
    Ok(())
}

/// Makes the name of a new file survive a power cut.
#[cfg(unix)]
fn sync_folder(path: &Path) -> Result<()> {
    let Some(folder) = path.parent() else { return Ok(()) };
    File::open(folder).and_then(|folder| folder.sync_all()).map_err(|error| {
        unusable(path, format!("its folder cannot be synced, a power cut may undo it: {error}"))
    })
}

/// Elsewhere a folder cannot be synced.
#[cfg(not(unix))]
const fn sync_folder(_: &Path) -> Result<()> {
    Ok(())
}
