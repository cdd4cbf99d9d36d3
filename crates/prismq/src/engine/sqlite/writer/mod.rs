//! The connection that writes, and when it must refuse to.

mod clock;
mod restore;
mod transaction;

use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use rusqlite::Connection;

use self::clock::BootClock;
use super::batch::ledger::Ledger;
use super::checkpoint::Checkpointer;
use super::connection;
use super::connection::files::Files;
use super::connection::poison::Poison;
use super::moved;
use super::schema::{self, Features};
use crate::engine::{Answer, ContentionCounters, DeferredLog, Operation};
use crate::model::{Durability, Error, Result};
use crate::time::Clock;

const PANICKED: &str = "the engine panicked in a transaction";

/// The writer.
#[derive(Debug)]
pub(crate) struct Writer {
    /// Before the connection, so that its own is closed first.
    pub(crate) checkpointer: Checkpointer,
    pub(crate) connection: Connection,
    pub(crate) path: PathBuf,
    /// The identities of the files when they were opened.
    pub(crate) files: Arc<Files>,
    /// The number stored in the file, by which leases are bound to it; restoring a backup may change it.
    pub(crate) file: Arc<AtomicI64>,
    pub(crate) durability: Durability,
    /// Whether the connection is set to sync at each commit now.
    pub(crate) waits_for_disk: bool,
    pub(crate) busy_wait: Duration,
    pub(crate) contention: Arc<ContentionCounters>,
    pub(crate) ledger: Ledger,
    /// `PRAGMA schema_version` when the lanes and the number of the file were read.
    pub(crate) schema_cookie: i64,
    /// `PRAGMA data_version` when the schema version was last read for a claim.
    pub(crate) cookie_read_at: Option<i64>,
    /// What a test has the next commit fail with.
    #[cfg(feature = "testing")]
    pub(crate) injected: Option<Error>,
    /// The clock's offset in the file, if its time restarts at each boot.
    pub(crate) boot_clock: Option<BootClock>,
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
            // Say in the caller's clock: other processes must not wait for a transaction that never ends.
            Err(panic) => {
                let panicked = Error::Poisoned { cause: PANICKED.to_owned() };
                self.roll_back(panicked);
                resume_unwind(panic);
            }
        }
    }

    pub(crate) fn version(&self) -> Result<i64> {
        self.refuse_unusable()?;
        self.refuse_lost(None)?;
        self.data_version()
    }

    pub(crate) fn settings(&self) -> Result<Vec<(String, String)>> {
        self.refuse_unusable()?;
        connection::settings(&self.connection, self.durability).map_err(|error| self.failure(error))
    }

    /// The number stored in the file, by which leases and callers' connections are bound to it.
    pub(crate) fn file(&self) -> Arc<AtomicI64> {
        self.file.clone()
    }

    /// Log lines to be written while the writer is not locked.
    pub(crate) fn log(&self) -> Arc<DeferredLog> {
        self.ledger.log.clone()
    }

    pub(crate) fn file_number(&self) -> i64 {
        self.file.load(Ordering::Relaxed)
    }

    /// Refuses to work after it became unknown what reached the disk, and while the file is moved away.
    pub(crate) fn refuse_unusable(&self) -> Result<()> {
        self.poison().refuse()?;
        self.files.refuse_moved()
    }

    /// Refuses for good if the `-wal` or `-shm` in use was deleted, replaced or truncated. Checked after each commit,
    /// when the WAL has this many `pages`, and before its answer, as other processes will not find what was written to it.
    pub(crate) fn refuse_lost(&self, pages: Option<u32>) -> Result<()> {
        match self.files.lost(pages) {
            Some(cause) => Err(self.poison().remember(Error::Poisoned { cause })),
            None => Ok(()),
        }
    }

    pub(crate) fn poison(&self) -> &Arc<Poison> {
        self.checkpointer.poison()
    }

    /// A number that changes whenever another connection commits.
    pub(crate) fn data_version(&self) -> Result<i64> {
        self.prepare("PRAGMA data_version")?
            .query_row([], |row| row.get(0))
            .map_err(|error| self.failure(error))
    }

    /// Reads the features in use; refuses to write after a newer version of this library migrated the file, or its queue
    /// was moved.
    pub(crate) fn read_meta(&self) -> Result<Features> {
        let (version, features) = self.meta()?;
        schema::refuse_newer(&self.path, version)?;
        moved::refuse(&self.path, &self.connection, features)?;
        Ok(features)
    }

    /// The version of the tables, and the features in use.
    pub(crate) fn meta(&self) -> Result<(i32, Features)> {
        schema::meta(&self.connection).map_err(|error| self.failure(error))
    }
}
