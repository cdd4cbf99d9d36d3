//! What can go wrong while a history is made or read.

use std::io;
use std::path::PathBuf;

use thiserror::Error;

/// The result of everything that makes or reads a history.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// Why a history could not be made or read.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum Error {
    /// The queue refused; the history tells of it.
    #[error(transparent)]
    Queue(#[from] prismq::Error),
    /// An event could not be written: whoever keeps the history is gone, and the actor must stop.
    #[error("the history cannot be written: {0}")]
    Log(#[source] io::Error),
    /// A line of a history, other than its last, is no event.
    #[error("line {line} of the history is no event: {source}")]
    Line {
        /// Which line, from 1.
        line: usize,
        /// What is wrong with it.
        source: serde_json::Error,
    },
    /// The file could not be looked at.
    #[error("cannot look into {}: {source}", path.display())]
    Look {
        /// The file.
        path: PathBuf,
        /// What SQLite said.
        source: rusqlite::Error,
    },
    /// A process of the test could not be started or told something.
    #[error("process {what}: {source}")]
    Process {
        /// What was tried.
        what: &'static str,
        /// What the operating system said.
        source: io::Error,
    },
}

impl Error {
    /// Whether the queue answered that the lease no longer holds.
    #[must_use]
    pub const fn is_lease_lost(&self) -> bool {
        matches!(self, Self::Queue(error) if error.is_lease_lost())
    }
}
