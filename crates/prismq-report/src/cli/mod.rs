//! The command `prismq-report`: its arguments, and what each of its commands shows. What is shown is
//! decided elsewhere.

mod ab;
mod baseline;
mod check;
mod compare;
mod completions;
mod coverage;
mod env;
mod export;
mod history;
mod percent;
mod prune;
mod report;
mod show;
mod source;
mod validate;

use std::path::PathBuf;

use clap::{Parser, Subcommand};

use crate::conclude::Error;

/// Judges, compares and draws the records that `cargo bench` wrote; only `ab` runs anything.
///
/// RUN is `latest` (which is meant where none is named), the id of a run in the folder of the records, or
/// the path of a combined record.
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
Exit statuses, of which the first that applies of 5, 4, 3, 6 counts:
  0  every target met, no regression
  1  a file could not be read or written
  2  wrong use, or targets that say nothing
  3  a metric regressed
  4  a target is missed
  5  figures are missing or cannot be trusted
  6  inconclusive, or nothing to compare with
Each command says which of them it gives: `prismq-report help COMMAND`.";

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
    Completions(completions::Completions),
}

/// Does what was asked and returns the exit status.
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
        Command::Completions(command) => command.run(),
    }
}
