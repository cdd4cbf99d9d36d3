//! The connection that writes, and what is known of its file.

pub(crate) mod apply;
mod clock;
mod restore;
mod transaction;

use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use rusqlite::Connection;

use self::clock::Anchor;
use super::batch::ledger::Ledger;
use super::checkpoint::Checkpointer;
use super::connection;
use super::connection::poison::Poison;
use super::open::Files;
use super::schema;
use crate::engine::{Answer, ContentionCounters, DeferredLog, Operation};
use crate::model::{Durability, Error, Result};
use crate::time::Clock;

const PANICKED: &str = "the engine panicked in a transaction";

/// The writer.
#[derive(Debug)]
pub(crate) struct Writer {
    /// Before the connection, so that its own is closed first and the last one tidies up.
    pub(crate) checkpointer: Checkpointer,
    pub(crate) connection: Connection,
    pub(crate) path: PathBuf,
    /// Which files the path stood for when it was opened.
    pub(crate) files: Arc<Files>,
    /// The number in the file by which leases know it; restoring a backup may change it.
    pub(crate) file: Arc<AtomicI64>,
    pub(crate) durability: Durability,
    /// Whether the connection is set to wait for the disk at each commit right now.
    pub(crate) waits_for_disk: bool,
    pub(crate) busy_wait: Duration,
    pub(crate) contention: Arc<ContentionCounters>,
    pub(crate) ledger: Ledger,
    /// The number of the schema when the lanes and the number of the file were read.
    pub(crate) schema: i64,
    /// The version of the file when the number of the schema was last looked at for a claim.
    pub(crate) looked_at: Option<i64>,
    /// Where the clock stands in the file, if its time starts over.
    pub(crate) anchor: Option<Anchor>,
}

impl Writer {
    pub(crate) fn apply(
        &mut self,
        clock: &dyn Clock,
        batch: &[Operation],
    ) -> Result<Vec<Result<Answer>>> {
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

    pub(crate) fn version(&self) -> Result<i64> {
        self.refuse_unusable()?;
        self.refuse_lost()?;
        self.data_version()
    }

    pub(crate) fn settings(&self) -> Result<Vec<(String, String)>> {
        self.refuse_unusable()?;
        connection::settings(&self.connection, self.durability).map_err(|error| self.failure(error))
    }

    /// The number in the file by which leases and callers' connections are known to be of it.
    pub(crate) fn file(&self) -> Arc<AtomicI64> {
        self.file.clone()
    }

    /// What is to be logged while nobody holds the writer.
    pub(crate) fn log(&self) -> Arc<DeferredLog> {
        self.ledger.log.clone()
    }

    pub(crate) fn file_number(&self) -> i64 {
        self.file.load(Ordering::Relaxed)
    }

    /// Stops once it is unknown what lasts, and while the file is not in its place.
    pub(crate) fn refuse_unusable(&self) -> Result<()> {
        self.poison().refuse()?;
        self.files.refuse_moved()
    }

    /// Stops for good once the `-wal` or `-shm` in use is not the one that other processes find: after a commit
    /// and before its answer, as what is in it would be lost.
    pub(crate) fn refuse_lost(&self) -> Result<()> {
        match self.files.lost() {
            Some(cause) => Err(self.poison().remember(Error::Poisoned { cause })),
            None => Ok(()),
        }
    }

    pub(crate) fn poison(&self) -> &Arc<Poison> {
        self.checkpointer.poison()
    }

    /// A number that is another once another connection has committed something.
    pub(crate) fn data_version(&self) -> Result<i64> {
        self.prepare("PRAGMA data_version")?
            .query_row([], |row| row.get(0))
            .map_err(|error| self.failure(error))
    }

    /// Stops writing once a newer version of this library has migrated the file.
    pub(crate) fn refuse_newer(&self) -> Result<()> {
        let found = self
            .prepare("PRAGMA user_version")?
            .query_row([], |row| row.get(0))
            .map_err(|error| self.failure(error))?;
        schema::refuse_newer(&self.path, found)
    }
}
