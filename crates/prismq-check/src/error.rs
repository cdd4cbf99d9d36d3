//! What can go wrong while a history is recorded or read, or a file audited.

use std::io;
use std::path::PathBuf;

use thiserror::Error;

/// The result of everything in this crate that can fail.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// Why a history could not be recorded or read, or a file not be audited.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum Error {
    /// The queue refused; the refusal is in the history.
    #[error(transparent)]
    Queue(#[from] prismq::Error),
    /// An event could not be written, as the reader of the history is gone; the client must stop.
    #[error("the history cannot be written: {0}")]
    Log(#[source] io::Error),
    /// A line of a history, other than its last, does not parse.
    #[error("line {line} of the history does not parse: {source}")]
    Line {
        /// Which line, from 1.
        line: usize,
        /// The parser's error.
        source: serde_json::Error,
    },
    /// The file could not be audited.
    #[error("cannot audit {}: {source}", path.display())]
    Audit {
        /// The file.
        path: PathBuf,
        /// SQLite's error.
        source: rusqlite::Error,
    },
    /// A process of the test could not be started, signalled or waited for.
    #[error("process {what}: {source}")]
    Process {
        /// What was tried.
        what: &'static str,
        /// The operating system's error.
        source: io::Error,
    },
}
