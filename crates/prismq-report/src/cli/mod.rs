//! The commands and their arguments.

mod ab;
mod baseline;
mod check;
mod compare;
mod render;
mod show;
mod source;

use std::path::PathBuf;

use clap::{Parser, Subcommand};
use prismq_report::conclude::Error;

/// Judges, compares and draws the records that `cargo bench` wrote; only `ab` runs anything.
///
/// Exit statuses: 0 pass, 1 a file could not be read or written, 2 wrong use or targets,
/// 3 regression, 4 target missed, 5 figures missing or not to be trusted.
#[derive(Debug, Parser)]
#[command(name = "prismq-report", version)]
pub(crate) struct Arguments {
    /// Folder of the records
    #[arg(long, global = true, value_name = "DIR", default_value = "results")]
    results: PathBuf,
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Check a run against the targets
    Check(check::Check),
    /// Compare a run with a baseline; a regression is exit status 3
    Compare(compare::Compare),
    /// Start two benchmark programs in turn and compare them pair by pair
    Ab(ab::Ab),
    /// Keep, list and show baselines
    Baseline(baseline::Baseline),
    /// Draw a run's report
    Render(render::Render),
}

/// Does what was asked and returns the exit status.
pub(crate) fn run(arguments: Arguments) -> Result<u8, Error> {
    let results = &arguments.results;
    match arguments.command {
        Command::Check(command) => command.run(results),
        Command::Compare(command) => command.run(results),
        Command::Ab(command) => command.run(results),
        Command::Baseline(command) => command.run(results),
        Command::Render(command) => command.run(results),
    }
}
