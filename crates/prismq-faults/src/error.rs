//! Why a fault could not be injected, or what it left could not be looked at.

use std::path::PathBuf;

use thiserror::Error;

/// The result of everything here.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// What went wrong with the injection itself; what the queue answers is never in here.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum Error {
    /// SQLite would not take the failing disk.
    #[error("SQLite refused the file system that fails on demand: code {code}")]
    Register {
        /// What SQLite answered.
        code: i32,
    },
    /// A file could not be read or written beside SQLite.
    #[error("cannot use {}: {source}", path.display())]
    File {
        /// The file or folder.
        path: PathBuf,
        /// What the operating system said.
        #[source]
        source: std::io::Error,
    },
    /// The operating system refused to fork or to wait for the fork.
    #[error("cannot fork: {source}")]
    Fork {
        /// What the operating system said.
        #[source]
        source: std::io::Error,
    },
}

impl Error {
    pub(crate) fn file(path: impl Into<PathBuf>) -> impl FnOnce(std::io::Error) -> Self {
        let path = path.into();
        |source| Self::File { path, source }
    }
}
