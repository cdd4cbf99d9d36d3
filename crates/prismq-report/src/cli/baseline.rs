//! `baseline`: keeping, listing and showing baselines.

use std::path::Path;

use clap::{Args, Subcommand};
use prismq_report::baseline;
use prismq_report::conclude::Error;
use prismq_report::render::{View, markdown};
use prismq_report::verdict::{OnRegression, judge};

use super::show::show;
use super::source::Source;

#[derive(Debug, Args)]
pub(crate) struct Baseline {
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
        /// Take the place of a baseline of the same name
        #[arg(long)]
        replace: bool,
    },
    /// List the names
    List,
    /// Show the figures kept under a name
    Show {
        /// The name
        name: String,
    },
}

impl Baseline {
    pub(crate) fn run(self, results: &Path) -> Result<u8, Error> {
        match self.command {
            Command::Save { name, source, replace } => {
                let run = source.load(results)?;
                let path = baseline::save(results, &name, &run, replace)?;
                show(&format!("run {} is kept in {}\n", run.run_id, path.display()))?;
            }
            Command::List => {
                let names = baseline::list(results)?;
                show(&names.iter().map(|name| format!("{name}\n")).collect::<String>())?;
            }
            Command::Show { name } => {
                let run = baseline::load(results, &name)?;
                let verdict = judge(&run, &[], None, OnRegression::Show)?;
                show(&markdown(&View::new(&run, &verdict))?)?;
            }
        }
        Ok(0)
    }
}
