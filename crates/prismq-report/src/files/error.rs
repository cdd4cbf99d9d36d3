//! Why a file of results could not be read or written.

use std::io;
use std::path::PathBuf;

use thiserror::Error;

/// Why a file of results could not be read or written.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum FileError {
    /// The operating system refused to read.
    #[error("cannot read {}: {source}", path.display())]
    Read {
        /// The file or folder.
        path: PathBuf,
        /// Its reason.
        source: io::Error,
    },
    /// The operating system refused to write.
    #[error("cannot write {}: {source}", path.display())]
    Write {
        /// The file or folder.
        path: PathBuf,
        /// Its reason.
        source: io::Error,
    },
    /// The text is no record.
    #[error("{} is not a record: {source}; repair it or move it away", path.display())]
    NotARecord {
        /// The file.
        path: PathBuf,
        /// What is wrong and where.
        source: serde_json::Error,
    },
    /// It is another kind of record than was expected.
    #[error("{} has schema {found:?}, expected {expected:?}", path.display())]
    Schema {
        /// The file.
        path: PathBuf,
        /// What it says it is.
        found: String,
        /// What it should be.
        expected: &'static str,
    },
    /// It was written by a version whose records this one does not know.
    #[error("{} has schema version {found}, this version reads {supported}", path.display())]
    Version {
        /// The file.
        path: PathBuf,
        /// Its version.
        found: String,
        /// The version written here.
        supported: &'static str,
    },
    /// It names a suite that does not exist.
    #[error("{} is of an unknown suite {suite:?}", path.display())]
    UnknownSuite {
        /// The file.
        path: PathBuf,
        /// The name in it.
        suite: String,
    },
    /// There is nothing to judge.
    #[error("{} holds no suite record: run `cargo bench` first", path.display())]
    NoRecords {
        /// The folder.
        path: PathBuf,
    },
    /// There is no such run.
    #[error("{} holds no suite record of run {id}", path.display())]
    NoSuchRun {
        /// The folder.
        path: PathBuf,
        /// The run asked for.
        id: String,
    },
}
