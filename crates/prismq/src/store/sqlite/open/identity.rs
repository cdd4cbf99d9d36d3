//! Which file a path names, so that a queue notices when it is no longer its own: SQLite would go on
//! writing into a file that nobody finds any more.
//!
//! A look costs one call to the system, about a microsecond, and is taken once a transaction, whatever
//! number of operations is in it. The file is never opened for it, which would drop SQLite's locks.

use std::fs;
use std::path::Path;

/// A file, whatever its name. Where the system has no number for files, every file is the same.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::store::sqlite) struct Identity {
    device: u64,
    number: u64,
}

impl Identity {
    /// Of the file that has this name now.
    pub(in crate::store::sqlite) fn of(path: &Path) -> std::io::Result<Self> {
        let metadata = fs::symlink_metadata(path)?;
        #[cfg(unix)]
        {
            use std::os::unix::fs::MetadataExt as _;
            Ok(Self { device: metadata.dev(), number: metadata.ino() })
        }
        #[cfg(not(unix))]
        {
            drop(metadata);
            Ok(Self { device: 0, number: 0 })
        }
    }

    /// Whether the name still stands for the same file. A file that cannot be looked at for another reason
    /// than that it is gone is not called another.
    pub(in crate::store::sqlite) fn still_at(self, path: &Path) -> bool {
        match Self::of(path) {
            Ok(now) => now == self,
            Err(error) => error.kind() != std::io::ErrorKind::NotFound,
        }
    }
}
