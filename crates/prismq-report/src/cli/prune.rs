//! `prune`: removes records of old runs.

use std::path::Path;

use clap::Args;
use prismq_record::files::{Pruned, prune};

use super::show::show;
use crate::conclude::Error;
use crate::render::mebibytes;

/// Remove records of old runs
///
/// Removes the records and reports of older runs, and the records of older comparisons by `ab`.
#[derive(Debug, Args)]
#[command(after_help = "\
Baselines, the noise of `ab --control` and the history stay: later runs are compared as before.

Examples:
  prismq-report prune --keep 20

Exit statuses: 0 removed, or nothing to remove; 2 wrong usage; 1 a file could not be removed.")]
pub(super) struct Prune {
    /// How many of the latest runs, and of the latest comparisons by `ab`, keep their records
    #[arg(long, value_name = "NUMBER", value_parser = clap::value_parser!(u16).range(1..))]
    keep: u16,
}

impl Prune {
    pub(super) fn run(self, results: &Path) -> Result<u8, Error> {
        let Pruned { runs, files, comparisons, bytes } = prune(results, self.keep.into())?;
        show(&format!(
            "removed {files} files of {runs} runs and {comparisons} comparisons, {}\n",
            mebibytes(bytes)
        ))?;
        Ok(0)
    }
}
