//! `compare`: compares a run with a baseline.

use std::path::Path;

use clap::{Args, ValueEnum};
use prismq_judge::comparison::{Rules, compare_by};
use prismq_judge::verdict::{FailOn, judge};

use super::arguments::{Source, load_base, percent};
use super::show::{show, warn};
use crate::conclude::{Error, rules};
use crate::render::{View, terminal};

/// Compare a run with a baseline
///
/// Shows for each metric whether it improved, regressed, is unchanged, or inconclusive. Two runs also differ by the
/// state of the machine: until its history has eleven runs, no change below a factor of two counts. To find smaller
/// changes, start both programs in turn with `prismq-report ab`.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  prismq-report compare before
  prismq-report compare before results/benchmark_results_20261124_093000.json --min-effect 10%
  prismq-report compare 01KAVA7ZC4M2T0W6Y5N1Q8R3XD latest --fail-on inconclusive

Exit statuses: 0 no regression; 3 a metric regressed; 5 the run is invalid; 6 nothing was comparable, a
regression could not have been detected or, with --fail-on inconclusive, a metric is inconclusive; 2 there is
no such run or baseline; 1 a file could not be read. With --fail-on never only 0, 1, 2 and 5.")]
pub(super) struct Compare {
    /// What to compare with: name of a baseline, id of a run, path of a combined record, or `latest`
    base: String,
    #[command(flatten)]
    source: Source,
    /// The smallest change that counts
    #[arg(long, value_name = "PERCENT", default_value = "5%", value_parser = percent)]
    min_effect: f64,
    /// Which result fails the command
    #[arg(long, value_name = "WHAT", default_value = "regression")]
    fail_on: On,
    /// Compare even if machine, engine or profile differ
    #[arg(long)]
    allow_env_mismatch: bool,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum On {
    /// A metric that regressed
    Regression,
    /// A metric that regressed, is inconclusive or not comparable
    Inconclusive,
    /// None: the comparison is only shown
    Never,
}

impl Compare {
    pub(super) fn run(self, results: &Path) -> Result<u8, Error> {
        let before = load_base(results, &self.base)?;
        let after = self.source.load(results)?;
        let mut warnings = Vec::new();
        let rules = Rules {
            min_effect: self.min_effect,
            allow_env_mismatch: self.allow_env_mismatch,
            ..rules(results, &after, &mut warnings)
        };
        warn(&warnings);
        let comparison = compare_by(&rules, &self.base, &before, &after);
        let fail_on = match self.fail_on {
            On::Regression => FailOn::Regression,
            On::Inconclusive => FailOn::Inconclusive,
            On::Never => FailOn::Never,
        };
        let verdict = judge(&after, &[], Some(comparison), fail_on)?;
        show(&terminal(&View::new(&after, &verdict)))?;
        Ok(verdict.status.exit_code())
    }
}
