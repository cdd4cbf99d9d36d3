//! A folder for a test's files, in memory where the system has a place for that: most faults do not need
//! a disk, and a sync to memory costs nothing.

use std::path::{Path, PathBuf};

use tempfile::TempDir;

use crate::error::{Error, Result};

const MEMORY: &str = "/dev/shm";

/// A folder that is deleted when this is dropped.
#[derive(Debug)]
pub struct Scratch {
    folder: TempDir,
}

impl Scratch {
    /// Makes one.
    ///
    /// # Errors
    /// Neither memory nor the system's folder for temporary files can hold one.
    pub fn new() -> Result<Self> {
        let folder = tempfile::tempdir_in(MEMORY).or_else(|_| tempfile::tempdir());
        Ok(Self { folder: folder.map_err(Error::file(MEMORY))? })
    }

    /// Where it is.
    #[must_use]
    pub fn path(&self) -> &Path {
        self.folder.path()
    }

    /// A file in it.
    #[must_use]
    pub fn file(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// Keeps the folder for inspection, and returns its path.
    #[must_use]
    pub fn keep(self) -> PathBuf {
        self.folder.keep()
    }
}
