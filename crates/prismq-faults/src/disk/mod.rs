//! A folder whose files SQLite uses through the shim: journaled, and failing on demand.
//!
//! Which folder a file lies in decides which disk it is on, so that tests in one process have a disk
//! each. Files in a folder that is not watched go to the operating system's own VFS untouched.

mod fault;
pub(crate) mod journal;
mod vfs;
mod watched;

use std::fs;
use std::path::Path;
use std::sync::{Arc, Mutex};

pub use self::fault::{Call, Effect, Fault, Repeat};
use self::journal::Journal;
use self::watched::{Watched, disks, name_of};
use crate::error::{Error, Result};

/// A watched folder. It is watched no longer once this is dropped; files that are open then stay so.
#[derive(Debug)]
pub struct Disk {
    watched: Arc<Watched>,
}

impl Disk {
    /// Watches a folder: what SQLite opens in it from now on, in this process, is on this disk.
    ///
    /// # Errors
    /// SQLite refuses the shim, or the folder's files cannot be read.
    pub fn watch(folder: &Path) -> Result<Self> {
        vfs::register()?;
        let folder = fs::canonicalize(folder).map_err(Error::file(folder))?;
        let watched = Arc::new(Watched { folder, state: Mutex::default() });
        disks().push(watched.clone());
        Ok(Self { watched })
    }

    /// Starts a journal. What is in the folder counts as durable; no file in it may be open.
    ///
    /// # Errors
    /// A file cannot be read.
    pub fn keep_journal(&self) -> Result<()> {
        let folder = &self.watched.folder;
        let mut state = self.watched.state();
        let mut journal = Journal::default();
        for entry in fs::read_dir(folder).map_err(Error::file(folder))? {
            let path = entry.map_err(Error::file(folder))?.path();
            let bytes = fs::read(&path).map_err(Error::file(&path))?;
            let name = name_of(&path);
            let inode = state.inode(&name).0;
            journal.before.push((name, inode, bytes));
        }
        state.journal = Some(journal);
        Ok(())
    }

    /// The number of events in the journal.
    #[must_use]
    pub fn position(&self) -> usize {
        self.watched.state().journal.as_ref().map_or(0, Journal::len)
    }

    /// Ends the journal and returns it.
    #[must_use]
    pub fn take_journal(&self) -> Journal {
        self.watched.state().journal.take().unwrap_or_default()
    }

    /// Makes calls fail from now on.
    pub fn arm(&self, fault: Fault) {
        let mut state = self.watched.state();
        state.armed = Some(fault);
        state.calls = 0;
        state.injected = 0;
    }

    /// Makes calls succeed again, and returns how many failed since [`Disk::arm`].
    pub fn disarm(&self) -> u64 {
        let mut state = self.watched.state();
        state.armed = None;
        state.injected
    }
}

impl Drop for Disk {
    fn drop(&mut self) {
        disks().retain(|disk| !Arc::ptr_eq(disk, &self.watched));
    }
}
