//! The engine in one SQLite file.
//!
//! One connection writes, one reads. Every writing transaction is `BEGIN IMMEDIATE`; a transaction
//! of nothing but claims, begins, extensions and releases does not wait for the disk.
//!
//! The others do inside of COMMIT, with the write lock held. To sync after it, without the lock, would let other
//! processes write meanwhile; but then a commit whose sync fails is one that they have seen and built upon, and
//! a power cut loses what they acknowledged or damages the file.

mod apply;
mod batch;
mod checkpoint;
mod clock;
mod connection;
mod error;
mod open;
mod ops;
mod reader;
mod restore;
mod schema;
mod transaction;

use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use rusqlite::Connection;

use self::batch::ledger::Ledger;
use self::checkpoint::Checkpointer;
use self::clock::Anchor;
use self::connection::poison::Poison;
use self::open::{Files, with_suffix};
use crate::engine::{Answer, Operation, Remarks, Store};
use crate::model::{ContentionCounters, Durability, Error, Result};
use crate::time::Clock;

pub(crate) use self::open::{OpenOptions, open};
pub(crate) use self::ops::enqueue::enqueue_in;
pub(crate) use self::reader::SqliteReader;

const PANICKED: &str = "the engine panicked in a transaction";

/// The writer.
#[derive(Debug)]
pub(crate) struct SqliteStore {
    /// Before the connection, so that its own is closed first and the last one tidies up.
    checkpointer: Checkpointer,
    connection: Connection,
    path: PathBuf,
    /// Which files the path stood for when it was opened.
    files: Arc<Files>,
    /// The number in the file by which leases know it; restoring a backup may change it.
    file: Arc<AtomicI64>,
    durability: Durability,
    /// Whether the connection is set to wait for the disk at each commit right now.
    waits_for_disk: bool,
    busy_wait: Duration,
    contention: Arc<ContentionCounters>,
    ledger: Ledger,
    /// The number of the schema when the lanes and the number of the file were read.
    schema: i64,
    /// The version of the file when the number of the schema was last looked at for a claim.
    looked_at: Option<i64>,
    /// Where the clock stands in the file, if its time starts over.
    anchor: Option<Anchor>,
}

impl Store for SqliteStore {
    fn apply(&mut self, clock: &dyn Clock, batch: &[Operation]) -> Result<Vec<Result<Answer>>> {
        self.refuse_unusable()?;
        match catch_unwind(AssertUnwindSafe(|| self.apply_batch(clock, batch))) {
            Ok(applied) => applied,
            // Say of the caller's clock: other processes must not wait for a transaction that never ends.
            Err(panic) => {
                let panicked = Error::Poisoned { cause: PANICKED.to_owned() };
                self.roll_back(panicked);
                resume_unwind(panic);
            }
        }
    }

    fn version(&self) -> Result<i64> {
        self.refuse_unusable()?;
        self.refuse_lost()?;
        self.data_version()
    }

    fn changing_file(&self) -> Option<PathBuf> {
        Some(with_suffix(&self.path, "-wal"))
    }

    fn settings(&self) -> Result<Vec<(String, String)>> {
        self.refuse_unusable()?;
        connection::settings(&self.connection, self.durability).map_err(|error| self.failure(error))
    }
}

impl SqliteStore {
    /// The number in the file by which leases and callers' connections are known to be of it.
    pub(crate) fn file(&self) -> Arc<AtomicI64> {
        self.file.clone()
    }

    /// What is to be logged while nobody holds the store.
    pub(crate) fn remarks(&self) -> Arc<Remarks> {
        self.ledger.remarks.clone()
    }

    fn file_number(&self) -> i64 {
        self.file.load(Ordering::Relaxed)
    }

    /// Stops once it is unknown what lasts, and while the file is not in its place.
    fn refuse_unusable(&self) -> Result<()> {
        self.poison().refuse()?;
        self.files.refuse_moved()
    }

    /// Stops for good once the `-wal` or `-shm` in use is not the one that other processes find: after a commit
    /// and before its answer, as what is in it would be lost.
    fn refuse_lost(&self) -> Result<()> {
        match self.files.lost() {
            Some(cause) => Err(self.poison().remember(Error::Poisoned { cause })),
            None => Ok(()),
        }
    }

    fn poison(&self) -> &Arc<Poison> {
        self.checkpointer.poison()
    }

    /// A number that is another once another connection has committed something.
    fn data_version(&self) -> Result<i64> {
        self.prepare("PRAGMA data_version")?
            .query_row([], |row| row.get(0))
            .map_err(|error| self.failure(error))
    }

    /// Stops writing once a newer version of this library has migrated the file.
    fn refuse_newer(&self) -> Result<()> {
        let found = self
            .prepare("PRAGMA user_version")?
            .query_row([], |row| row.get(0))
            .map_err(|error| self.failure(error))?;
        schema::refuse_newer(&self.path, found)
    }
}

#[cfg(test)]
mod tests;
