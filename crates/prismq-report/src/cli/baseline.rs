//! `baseline`: saves, lists, shows and removes baselines.

use std::path::{Path, PathBuf};

use clap::{Args, Subcommand};
use prismq_judge::targets::{self, Target, TargetError};
use prismq_judge::verdict::{FailOn, judge};
use prismq_record::baseline;
use prismq_record::fingerprint::identity;

use super::arguments::Source;
use super::show::{show, warn};
use crate::conclude::Error;
use crate::render::{View, markdown};

/// Manage the baselines that later runs are compared with
///
/// The first valid run of a machine becomes its baseline by itself; others are saved under names.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  prismq-report baseline save before
  prismq-report baseline save before 01KAVA7ZC4M2T0W6Y5N1Q8R3XD --force
  prismq-report baseline list
  prismq-report baseline show before

Exit statuses: 0 done; 2 there is no such baseline, its name is taken or not allowed, or a target cannot be
checked; 1 a file could not be read or written.")]
pub(super) struct Baseline {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Keep a run under a name
    Save {
        /// The name
        name: String,
        #[command(flatten)]
        source: Source,
        /// Replace a baseline of the same name
        #[arg(long)]
        force: bool,
    },
    /// List the names, each with its run and its machine, engine and profile
    List,
    /// Show the figures of a baseline and the targets they miss
    Show {
        /// The name
        name: String,
        /// File of the targets [default: benches/targets.toml, where there is one]
        #[arg(long, value_name = "FILE")]
        targets: Option<PathBuf>,
    },
    /// Remove a baseline
    Rm {
        /// The name
        name: String,
    },
}

impl Baseline {
    pub(super) fn run(self, results: &Path) -> Result<u8, Error> {
        match self.command {
            Command::Save { name, source, force } => {
                let run = source.load(results)?;
                let path = baseline::save(results, &name, &run, force)?;
                show(&format!("run {} is kept in {}\n", run.run_id, path.display()))?;
            }
            Command::List => {
                let mut text = String::new();
                for name in baseline::list(results)? {
                    // The others are listed even if one is unreadable.
                    text += &match baseline::load(results, &name) {
                        Ok(run) => {
                            let own = identity(&run);
                            let own = own.unwrap_or_else(|| "several machines".to_owned());
                            format!("{name}  run {}  {own}\n", run.run_id)
                        }
                        Err(error) => format!("{name}  {error}\n"),
                    };
                }
                show(&text)?;
            }
            Command::Show { name, targets } => {
                let run = baseline::load(results, &name)?;
                let verdict = judge(&run, &targets_of(targets.as_deref())?, None, FailOn::Never)?;
                show(&markdown(&View::new(&run, &verdict))?)?;
            }
            Command::Rm { name } => {
                baseline::remove(results, &name)?;
                show(&format!("removed baseline {name}\n"))?;
            }
        }
        Ok(0)
    }
}

/// The targets of the named file, else those of the workspace, if there is one.
fn targets_of(named: Option<&Path>) -> Result<Vec<Target>, Error> {
    match (named, targets::read(named.unwrap_or_else(|| Path::new(targets::FILE)))) {
        (None, Err(error @ TargetError::Read { .. })) => {
            warn(&[format!("shown without targets: {error}")]);
            Ok(Vec::new())
        }
        (_, read) => Ok(read?),
    }
}
