//! Why a driver could not be used.

use std::path::PathBuf;
use std::time::Duration;

use prismq_driver::lane::LaneError;
use thiserror::Error;

/// Why a driver could not be used.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum DriverError {
    /// It could not be started.
    #[error("cannot start the driver {program}: {source}")]
    Start {
        /// Its program.
        program: String,
        /// What the operating system answered.
        #[source]
        source: std::io::Error,
    },
    /// There is no memory for a plan or a lane.
    #[error("cannot {action} the memory of a lane or plan: {source}")]
    Memory {
        /// What was tried, as a verb.
        action: &'static str,
        /// What the operating system answered.
        #[source]
        source: std::io::Error,
    },
    /// It needs a directory that cannot be made or used.
    #[error("cannot use {}: {source}", path.display())]
    Directory {
        /// The directory.
        path: PathBuf,
        /// What the operating system answered.
        #[source]
        source: std::io::Error,
    },
    /// It did not answer in time.
    #[error("no answer to `{request}` within {bound:?}")]
    Bound {
        /// What it was asked.
        request: String,
        /// How long it had.
        bound: Duration,
    },
    /// It ended, or closed its output, while an answer was due.
    #[error("the driver ended before it answered `{request}`{}", logged(log))]
    Gone {
        /// What it was asked.
        request: String,
        /// The end of what it wrote to its standard error.
        log: String,
    },
    /// It answered with an error.
    #[error("the driver answered `{request}` with the error {code}: {message}{}", logged(log))]
    Refused {
        /// What it was asked.
        request: String,
        /// The error's code.
        code: String,
        /// What it says.
        message: String,
        /// The end of what it wrote to its standard error.
        log: String,
    },
    /// Its answer lacks a field, or has one that is wrong.
    #[error("the answer to `{request}` is not as the protocol has it: {reason}")]
    Malformed {
        /// What it was asked.
        request: String,
        /// Which field.
        reason: String,
    },
    /// What it wrote in a lane is no record.
    #[error("lane {lane}: {source}")]
    Lane {
        /// The number of the lane in its request.
        lane: usize,
        /// What is wrong.
        #[source]
        source: LaneError,
    },
    /// Its records stand still although tasks are left.
    #[error("no record for {patience:?} although {left} of {all} are missing")]
    Standstill {
        /// How long nothing came.
        patience: Duration,
        /// Records that are missing.
        left: u64,
        /// Records that were expected.
        all: u64,
    },
}

/// Most lines of a driver's log that an error quotes.
const LOG_LINES: usize = 10;

/// The result of what is done with a driver.
pub type Result<T, E = DriverError> = std::result::Result<T, E>;

fn logged(log: &str) -> String {
    let lines: Vec<&str> = log.trim().lines().collect();
    let last = lines.get(lines.len().saturating_sub(LOG_LINES)..).unwrap_or_default().join("\n");
    if last.is_empty() { last } else { format!("; its log ends: {last}") }
}
