//! Why two programs could not be compared.

use std::io;
use std::path::PathBuf;

use prismq_record::files::FileError;
use thiserror::Error;

use crate::conclude;

#[derive(Debug, Error)]
pub(super) enum AbError {
    /// There is no program in it.
    #[error("{command:?} is no command: name a program, and quote as a shell would")]
    Command {
        /// What was given.
        command: String,
    },
    /// The operating system refused to start it.
    #[error(
        "cannot start {program}: {source}; build it by `cargo bench --no-run` and name its path"
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
    /// It ended otherwise than well.
    #[error("{program} ended with {status}; what it said is in {}", log.display())]
    Failed {
        /// The program.
        program: String,
        /// How it ended.
        status: std::process::ExitStatus,
        /// Its output.
        log: PathBuf,
    },
    /// It took too long.
    #[error(
        "{program} was ended after {seconds} s: allow more by --timeout, or ask for less by --filter"
    )]
    TimedOut {
        /// The program.
        program: String,
        /// What was allowed.
        seconds: u64,
    },
    /// The user has seen enough.
    #[error("stopped; the program that was running was ended")]
    Stopped,
    /// It measured nothing.
    #[error("{program} wrote no record ({source}): is it a benchmark suite, does --filter match?")]
    NoRecord {
        /// The program.
        program: String,
        /// Why none was found.
        source: FileError,
    },
    /// There is nothing to compare.
    #[error("the programs' records hold no figure to compare")]
    NothingMeasured,
    /// Signals could not be taken.
    #[error("cannot listen for Ctrl-C: {0}")]
    Signals(std::io::Error),
    /// What was found could not be shown or kept.
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
