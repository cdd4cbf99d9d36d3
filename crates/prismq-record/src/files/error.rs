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
    /// A record could not be read again if it were written.
    #[error(
        "cannot write the record, as it could not be read again: at {place}: {source}; is a figure not finite?"
    )]
    Unwritable {
        /// Which part of it.
        place: String,
        /// The reader's error.
        source: serde_json::Error,
    },
    /// The file is larger than any record.
    #[error(
        "{} is larger than the {limit} bytes a record may have: name another file, or move this one away",
        path.display()
    )]
    TooLarge {
        /// The file.
        path: PathBuf,
        /// The most that is read.
        limit: u64,
    },
    /// The text is not a record.
    #[error("{} is not a record: at {place}: {source}; repair it or move it away", path.display())]
    NotARecord {
        /// The file.
        path: PathBuf,
        /// Which part of it, for example `scenarios[0].metrics[1].value`; `.` is the whole.
        place: String,
        /// What is wrong, with line and column.
        source: serde_json::Error,
    },
    /// It is another kind of record than was expected.
    #[error(
        "{} has schema {found:?}, expected {expected:?}: name another file, or move this one away",
        path.display()
    )]
    Schema {
        /// The file.
        path: PathBuf,
        /// The schema it names.
        found: String,
        /// The schema that was expected.
        expected: &'static str,
    },
    /// It has a schema version that this program cannot read.
    #[error(
        "{} has schema version {found}, this version reads {supported}: read it with the \
         prismq-report that wrote it, or move it away",
        path.display()
    )]
    Version {
        /// The file.
        path: PathBuf,
        /// Its version.
        found: String,
        /// The version written here.
        supported: &'static str,
    },
    /// It is of a suite that is not among those of its run.
    #[error(
        "{} is of an unknown suite {suite:?}, the suites of its run are {}: repair it or move it away",
        path.display(),
        known.join(", ")
    )]
    UnknownSuite {
        /// The file.
        path: PathBuf,
        /// The name in it.
        suite: String,
        /// The suites that it names as those of its run.
        known: Vec<String>,
    },
    /// Parts of it contradict each other.
    #[error("{} contradicts itself: {reason}; repair it or move it away", path.display())]
    Contradiction {
        /// The file.
        path: PathBuf,
        /// What contradicts what.
        reason: String,
    },
    /// The folder has no suite record.
    #[error("{} holds no suite record: run `cargo bench` first", path.display())]
    NoRecords {
        /// The folder.
        path: PathBuf,
    },
    /// No record is of this run.
    #[error(
        "{} holds no suite record of run {id}; its latest runs are {}",
        path.display(),
        if latest.is_empty() { "none".to_owned() } else { latest.join(", ") }
    )]
    NoSuchRun {
        /// The folder.
        path: PathBuf,
        /// The run asked for.
        id: String,
        /// The latest runs in the folder, the latest first.
        latest: Vec<String>,
    },
}
