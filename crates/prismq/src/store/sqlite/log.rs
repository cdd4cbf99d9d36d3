//! Making commits last: the sync of the WAL, apart from the transaction that wrote it.
//!
//! With `synchronous = FULL`, SQLite syncs inside of COMMIT, with the write lock of the file held: no thread and
//! no process can write meanwhile. The writer's connection therefore commits with `NORMAL`, which writes the
//! same frames and does not sync them, and the same call that SQLite would have made follows here, while others
//! go on. A sync makes all frames last that were written before it, whoever wrote them, so that what is answered
//! never depends on frames that are not on the disk. A power cut between the two leaves a file whose WAL ends
//! before the commit, as one during COMMIT would. What needs an order of syncs, the header of a new WAL and
//! checkpoints, SQLite syncs itself in `NORMAL` too.
//!
//! The descriptor is this module's own: of the `-wal`, in which SQLite holds no locks that closing it would drop.

use std::fs::File;
use std::io;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use super::open::Files;
use super::poison::Poison;
use crate::error::{Error, Result};
use crate::queue::Durability;
use crate::stats::ContentionCounters;
use crate::store::Log;

/// The WAL in use.
#[derive(Debug)]
pub(super) struct Wal {
    /// Where commits are to survive a power cut.
    file: Option<File>,
    files: Arc<Files>,
    poison: Arc<Poison>,
    contention: Arc<ContentionCounters>,
}

impl Wal {
    /// # Errors
    /// The `-wal` cannot be opened.
    pub(super) fn open(
        durability: Durability,
        files: Arc<Files>,
        poison: Arc<Poison>,
        contention: Arc<ContentionCounters>,
    ) -> io::Result<Self> {
        let file = match durability {
            Durability::Full => Some(files.open_wal()?),
            Durability::Normal => None,
        };
        Ok(Self { file, files, poison, contention })
    }

    /// Stops for good once the `-wal` or `-shm` in use is not the one that other processes find: what is in it
    /// would be lost.
    pub(super) fn refuse_lost(&self) -> Result<()> {
        match self.files.lost() {
            Some(cause) => Err(self.poison.remember(Error::Poisoned { cause })),
            None => Ok(()),
        }
    }
}

impl Log for Wal {
    fn sync(&self) -> Result<()> {
        self.poison.refuse()?;
        if let Some(file) = &self.file {
            file.sync_data().map_err(|error| {
                let cause = format!("the WAL could not be synced: {error}");
                self.poison.remember(Error::Poisoned { cause })
            })?;
            self.contention.synced_transactions.fetch_add(1, Ordering::Relaxed);
        }
        self.refuse_lost()
    }
}
