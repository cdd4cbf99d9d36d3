//! The identities of the open files, to notice that they were moved, deleted, replaced or truncated: SQLite would go on
//! writing to files that no other process finds, or behind a gap.
//!
//! A check costs one system call per file, about half a microsecond. No file that SQLite locks is opened, which would drop
//! its locks.

use std::ffi::OsString;
use std::fs::{self, Metadata};
use std::io::{self, ErrorKind};
use std::path::{Path, PathBuf};

use super::wal_mark::WalMark;
use crate::model::{Error, Result};

/// The identity of a file. Where the system has no inode numbers, all files are equal.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Identity {
    device: u64,
    number: u64,
}

impl Identity {
    /// The identity of the file at this path.
    pub(crate) fn of(path: &Path) -> io::Result<Self> {
        Ok(Self::of_metadata(&fs::symlink_metadata(path)?))
    }

    /// The identity of the file that has this metadata.
    pub(crate) fn of_metadata(metadata: &Metadata) -> Self {
        #[cfg(unix)]
        {
            use std::os::unix::fs::MetadataExt as _;
            Self { device: metadata.dev(), number: metadata.ino() }
        }
        #[cfg(not(unix))]
        {
            _ = metadata;
            Self { device: 0, number: 0 }
        }
    }

    /// Whether the path still leads to this file. `true` also if that cannot be checked for another reason than that
    /// the file is gone.
    pub(crate) fn still_at(self, path: &Path) -> bool {
        match Self::of(path) {
            Ok(now) => now == self,
            Err(error) => !matches!(error.kind(), ErrorKind::NotFound | ErrorKind::NotADirectory),
        }
    }
}

/// The database file, and the `-wal` and `-shm` that SQLite keeps next to it while any connection is open.
#[derive(Debug)]
pub(crate) struct Files {
    database: (PathBuf, Identity),
    next_to_it: [(PathBuf, Identity); 2],
    wal: WalMark,
}

impl Files {
    /// The files of this database with pages of this size. Its `-wal` must exist already; SQLite removes `-wal` and
    /// `-shm` only when the last connection of all processes closes.
    pub(crate) fn of(path: &Path, database: Identity, page_bytes: u32) -> io::Result<Self> {
        let named = |suffix| {
            let path = with_suffix(path, suffix);
            Identity::of(&path).map(|identity| (path, identity))
        };
        let next_to_it = [named("-wal")?, named("-shm")?];
        let wal = WalMark::open(&with_suffix(path, "-wal"), page_bytes)?;
        Ok(Self { database: (path.to_owned(), database), next_to_it, wal })
    }

    /// An error while the database is moved away, deleted or replaced.
    pub(crate) fn refuse_moved(&self) -> Result<()> {
        let (path, identity) = &self.database;
        if identity.still_at(path) {
            return Ok(());
        }
        Err(Error::Moved { path: path.clone() })
    }

    /// What happened to the `-wal` or `-shm` in use, if it was deleted, replaced or truncated: commits in it are lost.
    /// `pages` is the length of the WAL after a commit that was just made, if it is known.
    pub(crate) fn lost(&self, pages: Option<u32>) -> Option<String> {
        let lost = self.next_to_it.iter().find(|(path, identity)| !identity.still_at(path));
        if let Some((path, _)) = lost {
            return Some(format!("{} was deleted or replaced while in use", path.display()));
        }
        self.wal.is_lost(pages).then(|| {
            let [(wal, _), _] = &self.next_to_it;
            format!("{} was truncated while in use", wal.display())
        })
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

    /// Polled by an idle pool.
    #[test]
    fn the_version_of_a_moved_file_is_an_error() {
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
