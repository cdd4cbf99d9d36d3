//! `check`: checks a run against the targets.

use std::path::{Path, PathBuf};

use clap::Args;
use prismq_judge::targets::{self, Target};
use prismq_judge::verdict::{FailOn, judge};
use prismq_record::RunRecord;

use super::arguments::Source;
use super::show::show;
use crate::conclude::Error;
use crate::render::{View, terminal};

/// Check a run against the targets
///
/// Shows first whether the run is valid, then every target that is not met.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  prismq-report check
  prismq-report check --threshold 'latency/end_to_end/workers=1:p99_ms < 20 ms' --strict

Exit statuses: 0 no target is missed; 4 a target is missed; 5 the run is invalid, a target has no data or,
with --require-all, something was not measured; 6 with --strict, a target is undecided or others on the machine disturbed
it; 2 a target cannot be
checked; 1 a file could not be read.")]
pub(super) struct Check {
    #[command(flatten)]
    source: Source,
    /// A target, as in 'SCENARIO:METRIC < NUMBER UNIT' with one of < <= = >= >; may be repeated
    #[arg(long = "threshold", value_name = "TARGET")]
    thresholds: Vec<String>,
    /// File of the targets [default: benches/targets.toml, unless there is a --threshold]
    #[arg(long, value_name = "FILE")]
    targets: Option<PathBuf>,
    /// Count undecided targets and faults of the measurement as inconclusive
    #[arg(long)]
    strict: bool,
    /// Count what was not measured as invalid
    #[arg(long)]
    require_all: bool,
}

impl Check {
    pub(super) fn run(self, results: &Path) -> Result<u8, Error> {
        let run = self.source.load(results)?;
        let targets = self.targets(&run)?;
        let mut verdict = judge(&run, &targets, None, FailOn::Never)?;
        if self.strict {
            verdict = verdict.strict();
        }
        if self.require_all {
            verdict = verdict.require_all();
        }
        show(&terminal(&View::new(&run, &verdict)))?;
        Ok(verdict.status.exit_code())
    }

    fn targets(&self, run: &RunRecord) -> Result<Vec<Target>, Error> {
        let file = match &self.targets {
            None if !self.thresholds.is_empty() => None,
            None => Some(Path::new(targets::FILE)),
            Some(path) => Some(path.as_path()),
        };
        let mut targets =
            file.map(|file| targets::read_for(file, run)).transpose()?.unwrap_or_default();
        for text in &self.thresholds {
            targets.push(targets::threshold(text, "--threshold")?);
        }
        Ok(targets)
    }
}
