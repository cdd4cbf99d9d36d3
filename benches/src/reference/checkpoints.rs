//! A thread that copies the WAL back into its database, so that the committing thread never does.

use std::path::Path;
use std::sync::mpsc::{SyncSender, sync_channel};
use std::thread::{self, JoinHandle};

use rusqlite::Connection;

use crate::base::error::{Error, Result};

/// Commits between two checkpoints.
const EVERY: u32 = 4;

/// The thread. Dropping this ends it.
pub(super) struct Checkpoints {
    commits: u32,
    due: Option<SyncSender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl Checkpoints {
    /// Starts it on an open database.
    pub(super) fn start(path: &Path) -> Result<Self> {
        let connection =
            Connection::open(path).map_err(Error::subject("open a reference database"))?;
        connection
            .pragma_update(None, "synchronous", "FULL")
            .map_err(Error::subject("set up a reference database"))?;
        let (due, orders) = sync_channel(1);
        let thread = thread::Builder::new()
            .name("raw-checkpoints".to_owned())
            .spawn(move || {
                while orders.recv() == Ok(()) {
                    // A checkpoint that failed is tried again after the next commits; the WAL holds all.
                    let _ = connection.query_row("PRAGMA wal_checkpoint(PASSIVE)", [], |_| Ok(()));
                }
            })
            .map_err(|source| Error::Start { what: "a checkpointing thread", source })?;
        Ok(Self { commits: 0, due: Some(due), thread: Some(thread) })
    }

    /// A transaction was committed.
    pub(super) fn committed(&mut self) {
        self.commits += 1;
        if self.commits.is_multiple_of(EVERY)
            && let Some(due) = &self.due
        {
            // One that is due already is as good.
            let _ = due.try_send(());
        }
    }
}

impl Drop for Checkpoints {
    fn drop(&mut self) {
        self.due = None;
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}
