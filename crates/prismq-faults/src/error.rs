//! Why a fault could not be injected.

use std::path::PathBuf;

use thiserror::Error;

/// The result of everything here.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// An error of the injection itself, not of the queue under test.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum Error {
    /// SQLite refused to register the failing VFS.
    #[error("SQLite refused to register the VFS that injects faults: code {code}")]
    Register {
        /// SQLite's error code.
        code: i32,
    },
    /// A file could not be read or written.
    #[error("cannot use {}: {source}", path.display())]
    File {
        /// The file or folder.
        path: PathBuf,
        /// The operating system's error.
        #[source]
        source: std::io::Error,
    },
    /// The operating system refused to fork or to wait for the fork.
    #[error("cannot fork: {source}")]
    Fork {
        /// The operating system's error.
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
