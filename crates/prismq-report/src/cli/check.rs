//! `check`: a run against the targets.

use std::path::{Path, PathBuf};

use clap::Args;
use prismq_report::conclude::Error;
use prismq_report::render::{View, terminal};
use prismq_report::targets;
use prismq_report::verdict::{OnRegression, judge};

use super::show::show;
use super::source::Source;

#[derive(Debug, Args)]
pub(crate) struct Check {
    #[command(flatten)]
    source: Source,
    /// File of the targets
    #[arg(long, value_name = "FILE", default_value = "benches/targets.toml")]
    targets: PathBuf,
}

impl Check {
    pub(crate) fn run(self, results: &Path) -> Result<u8, Error> {
        let targets = targets::read(&self.targets)?;
        let run = self.source.load(results)?;
        let verdict = judge(&run, &targets, None, OnRegression::Show)?;
        show(&terminal(&View::new(&run, &verdict)))?;
        Ok(verdict.status.exit_code())
    }
}
