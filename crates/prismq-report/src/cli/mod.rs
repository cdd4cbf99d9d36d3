//! The command `prismq-report`: its arguments, a file for each subcommand.

mod ab;
mod arguments;
mod baseline;
mod check;
mod compare;
mod completions;
mod coverage;
mod env;
mod export;
mod history;
mod prune;
mod report;
pub(crate) mod show;
mod validate;

use std::path::PathBuf;

use clap::{Parser, Subcommand};

use crate::conclude::Error;
use crate::versus::Versus;

/// Checks, compares, draws and exports the records of `cargo bench`; only `ab` runs benchmarks.
///
/// RUN is `latest` (the default), the id of a run in the folder of the records, or the path of a combined record.
#[derive(Debug, Parser)]
#[command(name = "prismq-report", version, after_help = EXIT_STATUSES)]
pub struct Arguments {
    /// Folder of the records
    #[arg(long, global = true, value_name = "DIR", default_value = "results")]
    results: PathBuf,
    #[command(subcommand)]
    command: Command,
}

const EXIT_STATUSES: &str = "\
Exit statuses; of 5, 4, 3 and 6 the first that applies is used:
  0  no target missed, no regression
  1  a file could not be read or written
  2  wrong usage, or a target that cannot be checked
  3  a metric regressed
  4  a target is missed
  5  the run is invalid: figures are missing or must not be used
  6  inconclusive, or nothing comparable
The statuses of each command: `prismq-report help COMMAND`.";

#[derive(Debug, Subcommand)]
enum Command {
    Check(check::Check),
    Compare(compare::Compare),
    Ab(ab::Ab),
    Baseline(baseline::Baseline),
    Report(report::Report),
    History(history::History),
    Export(export::Export),
    Prune(prune::Prune),
    Coverage(coverage::CoverageOf),
    Env(env::Env),
    Validate(validate::Validate),
    Versus(Versus),
    Completions(completions::Completions),
}

/// Runs a command and returns the exit status.
///
/// # Errors
/// [`enum@Error`] says what is wrong, and where; its [`Error::exit_code`] is the status then.
pub fn run(arguments: Arguments) -> Result<u8, Error> {
    let results = &arguments.results;
    match arguments.command {
        Command::Check(command) => command.run(results),
        Command::Compare(command) => command.run(results),
        Command::Ab(command) => command.run(results),
        Command::Baseline(command) => command.run(results),
        Command::Report(command) => command.run(results),
        Command::History(command) => command.run(results),
        Command::Export(command) => command.run(results),
        Command::Prune(command) => command.run(results),
        Command::Coverage(command) => command.run(results),
        Command::Env(command) => command.run(results),
        Command::Validate(command) => command.run(),
        Command::Versus(command) => command.run(results),
        Command::Completions(command) => command.run(),
    }
}
