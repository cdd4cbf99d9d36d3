//! Why a suite could not be run. A bad figure is not an error: the record has it.

use std::path::PathBuf;

use prismq_judge::targets::TargetError;
use prismq_record::baseline::BaselineError;
use thiserror::Error;

/// What a room above this one failed with.
type Source = Box<dyn std::error::Error + Send + Sync>;

/// Why a suite could not be run or its record not be written.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum Error {
    /// An environment variable has a value it does not know.
    #[error("{variable}={value:?} is not a known value; allowed are {allowed}")]
    Setting {
        /// The variable.
        variable: &'static str,
        /// What it was set to.
        value: String,
        /// What it may be set to.
        allowed: &'static str,
    },
    /// A file that describes a workload is wrong.
    #[error(transparent)]
    Plan(Source),
    /// The name of a baseline cannot be kept.
    #[error(transparent)]
    Baseline(#[from] BaselineError),
    /// The targets cannot be read, say nothing that can be checked, or ask for another unit than a metric has.
    #[error(transparent)]
    Targets(#[from] TargetError),
    /// A directory that the environment names cannot be written to.
    #[error("cannot write to {}: {source}; {variable} chooses another directory", path.display())]
    Place {
        /// The variable that chooses it.
        variable: &'static str,
        /// The directory.
        path: PathBuf,
        /// What the operating system said.
        #[source]
        source: std::io::Error,
    },
    /// A file or directory could not be used.
    #[error("cannot {action} {}: {source}", path.display())]
    Io {
        /// What was tried, as a verb.
        action: &'static str,
        /// On what.
        path: PathBuf,
        /// What the operating system said.
        #[source]
        source: std::io::Error,
    },
    /// A thread or process of the harness could not be started.
    #[error("cannot start {what}: {source}")]
    Start {
        /// What was to be started.
        what: &'static str,
        /// What the operating system said.
        #[source]
        source: std::io::Error,
    },
    /// The queue under test failed where no failure is part of the measurement.
    #[error("the queue under test could not {action}: {source}")]
    Subject {
        /// What it was asked to do, as a verb.
        action: &'static str,
        /// What it answered.
        #[source]
        source: Source,
    },
    /// Another process of the harness failed.
    #[error("another process of the harness failed: {reason}")]
    Child {
        /// What it did instead.
        reason: String,
    },
    /// What was to be measured could not be set up.
    #[error("the measurement cannot be set up: {reason}")]
    Unfit {
        /// What it lacks.
        reason: String,
    },
    /// A thread of the harness panicked.
    #[error("{what} panicked")]
    Panicked {
        /// Which.
        what: &'static str,
    },
    /// A distribution could not be made or written.
    #[error("the histogram {name} cannot be built or encoded: {reason}")]
    Histogram {
        /// Its name in the record.
        name: &'static str,
        /// Why.
        reason: String,
    },
    /// Two scenarios of a suite have the same id, so that one would overwrite the other.
    #[error("the suite has two scenarios with the id {id}: give one of them another parameter")]
    Twice {
        /// The id.
        id: String,
    },
    /// A check failed in test mode, where no record carries the reasons.
    #[error("{id} is not correct: {}", reasons.join("; "))]
    Trial {
        /// The scenario.
        id: String,
        /// What did not hold.
        reasons: Vec<String>,
    },
    /// The record could not be written.
    #[error("cannot write the record: {source}")]
    Record {
        /// Why.
        #[source]
        source: Source,
    },
}

/// The result of everything the harness does.
pub type Result<T, E = Error> = std::result::Result<T, E>;

impl Error {
    /// For `map_err` on a file operation.
    pub(crate) fn io(
        action: &'static str,
        path: impl Into<PathBuf>,
    ) -> impl FnOnce(std::io::Error) -> Self {
        let path = path.into();
        move |source| Self::Io { action, path, source }
    }

    /// For `map_err` on the answer of a queue or of SQLite.
    pub(crate) fn subject<E: Into<Source>>(action: &'static str) -> impl FnOnce(E) -> Self {
        move |source| Self::Subject { action, source: source.into() }
    }
}
