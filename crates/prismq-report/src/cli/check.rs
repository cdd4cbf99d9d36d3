//! `check`: a run against the targets.

use std::path::{Path, PathBuf};

use clap::Args;

use super::show::show;
use super::source::Source;
use crate::conclude::Error;
use crate::render::{View, terminal};
use crate::targets::{self, Target};
use crate::verdict::{FailOn, judge};

/// Is this run good enough?
///
/// Holds it against targets, and says first whether it can be trusted.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  prismq-report check
  prismq-report check --threshold 'latency/end_to_end/workers=1:p99_ms < 20 ms' --strict

Exit statuses: 0 every target is met; 4 one is missed; 5 figures are missing or cannot be trusted, or a
target has no data; 6 with --strict, a target is met but chance could undo it; 2 a target says nothing
that can be checked; 1 a file could not be read.")]
pub(super) struct Check {
    #[command(flatten)]
    source: Source,
    /// A target, as in 'SCENARIO:METRIC < NUMBER UNIT' with one of < <= = >= >; may be given several times
    #[arg(long = "threshold", value_name = "TARGET")]
    thresholds: Vec<String>,
    /// File of the targets [default: benches/targets.toml, unless there is a --threshold]
    #[arg(long, value_name = "FILE")]
    targets: Option<PathBuf>,
    /// A target counts as met only if the whole interval of its figure is on the good side
    #[arg(long)]
    strict: bool,
}

impl Check {
    pub(super) fn run(self, results: &Path) -> Result<u8, Error> {
        let targets = self.targets()?;
        let run = self.source.load(results)?;
        let mut verdict = judge(&run, &targets, None, FailOn::Never)?;
        if self.strict {
            verdict = verdict.strict();
        }
        show(&terminal(&View::new(&run, &verdict)))?;
        Ok(verdict.status.exit_code())
    }

    fn targets(&self) -> Result<Vec<Target>, Error> {
        let file = match &self.targets {
            None if !self.thresholds.is_empty() => None,
            None => Some(Path::new(targets::FILE)),
            Some(path) => Some(path.as_path()),
        };
        let mut targets = file.map(targets::read).transpose()?.unwrap_or_default();
        for text in &self.thresholds {
            targets.push(targets::threshold(text, "--threshold")?);
        }
        Ok(targets)
    }
}
