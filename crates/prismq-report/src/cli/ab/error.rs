//! Why two programs could not be compared.

use std::io;
use std::path::PathBuf;

use prismq_record::files::FileError;
use thiserror::Error;

use crate::conclude;

#[derive(Debug, Error)]
pub(super) enum AbError {
    /// The command line is empty or its quotes do not match.
    #[error("{command:?} is not a command: name a program, and quote arguments as in a shell")]
    Command {
        /// What was given.
        command: String,
    },
    /// The operating system refused to start it.
    #[error(
        "cannot start {program}: {source}; build it with `cargo bench --no-run` and name its path"
    )]
    Start {
        /// The program.
        program: String,
        /// Its reason.
        source: io::Error,
    },
    /// A folder could not be made.
    #[error("cannot use {}: {source}", path.display())]
    Folder {
        /// The folder.
        path: PathBuf,
        /// The operating system's reason.
        source: io::Error,
    },
    /// The program failed.
    #[error("{program} failed with {status}; its output is in {}", log.display())]
    Failed {
        /// The program.
        program: String,
        /// How it ended.
        status: std::process::ExitStatus,
        /// Its output.
        log: PathBuf,
    },
    /// The program timed out.
    #[error(
        "{program} was ended after {seconds} s: allow more with --timeout, or select fewer benchmarks with --filter"
    )]
    TimedOut {
        /// The program.
        program: String,
        /// What was allowed.
        seconds: u64,
    },
    /// The user stopped the comparison.
    #[error("stopped; the running program was ended")]
    Stopped,
    /// The program wrote no record.
    #[error("{program} wrote no record ({source}): is it a benchmark suite, does --filter match?")]
    NoRecord {
        /// The program.
        program: String,
        /// Why no record was found.
        source: FileError,
    },
    /// The records have no figure in common.
    #[error("the records of the two programs have no figure in common")]
    NothingMeasured,
    /// Signal handlers could not be installed.
    #[error("cannot listen for Ctrl-C: {0}")]
    Signals(std::io::Error),
    /// The result could not be shown or kept.
    #[error(transparent)]
    Report(#[from] conclude::Error),
}

impl AbError {
    /// The exit status: 2 where the command line is wrong, 5 where nothing was measured, else 1.
    pub(super) const fn exit_code(&self) -> u8 {
        match self {
            Self::Command { .. } | Self::Start { .. } => 2,
            Self::NoRecord { .. } | Self::NothingMeasured => 5,
            _ => 1,
        }
    }
}
