//! Backing a queue up while it is open, and restoring one that is not.

use std::path::{Path, PathBuf};

use crate::core;
use crate::model::{BackupReport, RestoreReport, Result};
use crate::queue::Queue;

impl Queue {
    /// Copies the whole file, as it is at one moment, to a path where no file is. Everyone can go on to use the queue
    /// meanwhile; only the log of changes grows until the copy is complete.
    ///
    /// The copy is made under a temporary name, that of the backup with `.partial` after it, with mode 0600, and
    /// verified; only then does it get its name. It is one file, and can be moved and copied like any other. Tasks that
    /// run now are running in it. In a file that is shared with an application ([`Queue::attach`]) the application's
    /// tables are a part of it.
    ///
    /// # Errors
    /// [`Unusable`](crate::Error::Unusable) for a path where a file is or that cannot hold one,
    /// [`Full`](crate::Error::Full), [`Corrupt`](crate::Error::Corrupt) if the copy is damaged, as the original then is;
    /// an engine's failure. No file is left.
    ///
    /// # Examples
    /// ```
    /// use prismq::{NewTask, Queue};
    ///
    /// # fn main() -> Result<(), prismq::Error> {
    /// # let folder = tempfile::tempdir().unwrap();
    /// # let (path, backup) = (folder.path().join("queue.db"), folder.path().join("backup.db"));
    /// let queue = Queue::open(&path)?;
    /// queue.enqueue(&NewTask::new("mail", *b"hello"))?;
    /// println!("{} bytes", queue.backup(&backup)?.bytes);
    ///
    /// drop(queue); // nobody may have it open
    /// Queue::restore(&backup).to(&path)?;
    /// assert_eq!(Queue::open(&path)?.stats("default")?.ready, 1);
    /// # Ok(())
    /// # }
    /// ```
    pub fn backup(&self, path: impl AsRef<Path>) -> Result<BackupReport> {
        self.core.engine()?.backup(path.as_ref())
    }

    /// A backup to be restored: see [`Restore`].
    pub fn restore(backup: impl AsRef<Path>) -> Restore {
        Restore { backup: backup.as_ref().to_owned(), release_running: false }
    }
}

/// A backup to be restored, to where nobody has a file open.
///
/// Tasks that ran at the time of the backup run in it too: their workers are gone, and no lease from before holds, so
/// that they wait until their leases have expired, and are then tried again as after a crash.
#[derive(Debug, Clone)]
#[must_use = "call to()"]
pub struct Restore {
    backup: PathBuf,
    release_running: bool,
}

impl Restore {
    /// Releases the tasks that ran at the time of the backup: they are ready at once, and the attempt does not count.
    pub const fn release_running(mut self) -> Self {
        self.release_running = true;
        self
    }

    /// Verifies the backup, and puts a copy of it in the place of this file, or where none is. It is there as a whole or
    /// not at all, also after a power cut. It is a new file: leases that were given before are refused.
    ///
    /// # Errors
    /// [`InUse`](crate::Error::InUse) if anyone has the file open; [`Corrupt`](crate::Error::Corrupt),
    /// [`NotADatabase`](crate::Error::NotADatabase), [`Foreign`](crate::Error::Foreign),
    /// [`SchemaTooNew`](crate::Error::SchemaTooNew) or [`SchemaTooOld`](crate::Error::SchemaTooOld) for a backup that
    /// cannot be used; [`Unusable`](crate::Error::Unusable) for a path, or a file there that is damaged; an engine's
    /// failure. The file there is unchanged.
    pub fn to(&self, path: impl AsRef<Path>) -> Result<RestoreReport> {
        core::restore(&self.backup, path.as_ref(), self.release_running)
    }
}
