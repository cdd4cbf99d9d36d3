//! Which files a queue has open, so that it notices when their names no longer stand for them: SQLite would
//! go on writing into files that nobody finds any more.
//!
//! A look costs one call to the system a file, about half a microsecond. No file is opened for it, which would
//! drop SQLite's locks.

use std::ffi::OsString;
use std::fs;
use std::io::{self, ErrorKind};
use std::path::{Path, PathBuf};

use crate::model::{Error, Result};

/// A file, by whichever name. Where the system has no number for files, every file is the same.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Identity {
    device: u64,
    number: u64,
}

impl Identity {
    /// Of the file that has this name now.
    pub(super) fn of(path: &Path) -> io::Result<Self> {
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
    pub(super) fn still_at(self, path: &Path) -> bool {
        match Self::of(path) {
            Ok(now) => now == self,
            Err(error) => !matches!(error.kind(), ErrorKind::NotFound | ErrorKind::NotADirectory),
        }
    }
}

/// The database and what SQLite keeps next to it while any connection is open.
#[derive(Debug)]
pub(crate) struct Files {
    database: (PathBuf, Identity),
    next_to_it: [(PathBuf, Identity); 2],
}

impl Files {
    /// The files of this database; its `-wal` must be in use already. SQLite removes `-wal` and `-shm` only
    /// when the last connection of all processes closes.
    pub(super) fn of(path: &Path, database: Identity) -> io::Result<Self> {
        let named = |suffix| {
            let path = with_suffix(path, suffix);
            Identity::of(&path).map(|identity| (path, identity))
        };
        let next_to_it = [named("-wal")?, named("-shm")?];
        Ok(Self { database: (path.to_owned(), database), next_to_it })
    }

    /// An error if the database was moved, deleted or replaced. This ends if it is put back.
    pub(crate) fn refuse_moved(&self) -> Result<()> {
        let (path, identity) = &self.database;
        if identity.still_at(path) {
            return Ok(());
        }
        Err(Error::Moved { path: path.clone() })
    }

    /// Why what is written may be found by nobody, if the `-wal` or `-shm` in use was deleted or replaced.
    pub(crate) fn lost(&self) -> Option<String> {
        let lost = self.next_to_it.iter().find(|(path, identity)| !identity.still_at(path));
        lost.map(|(path, _)| format!("{} was deleted or replaced while in use", path.display()))
    }
}

/// The path of a file that SQLite keeps next to the database.
pub(crate) fn with_suffix(path: &Path, suffix: &str) -> PathBuf {
    let mut name = OsString::from(path);
    name.push(suffix);
    name.into()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::sqlite::tests::writer;

    /// What an idle pool looks at.
    #[test]
    fn the_version_of_a_file_that_is_not_in_its_place_is_an_error() {
        let (folder, writer) = writer();
        let path = folder.path().join("queue.db");
        let moved = folder.path().join("moved.db");
        let before = writer.version().unwrap();
        fs::rename(&path, &moved).unwrap();
        assert!(matches!(writer.version(), Err(Error::Moved { .. })));
        fs::rename(&moved, &path).unwrap();
        assert_eq!(writer.version().unwrap(), before);

        fs::remove_file(with_suffix(&path, "-wal")).unwrap();
        assert!(matches!(writer.version(), Err(Error::Poisoned { .. })));
        fs::write(with_suffix(&path, "-wal"), []).unwrap();
        assert!(matches!(writer.version(), Err(Error::Poisoned { .. })), "for good");
    }
}
