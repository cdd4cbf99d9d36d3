//! `report`: the report of a run, in several formats.

use std::env;
use std::ffi::OsString;
use std::fs::OpenOptions;
use std::io::Write as _;
use std::path::{Path, PathBuf};

use clap::{Args, ValueEnum};
use prismq_judge::comparison::compare_by;
use prismq_judge::verdict::{FailOn, Verdict, judge};
use prismq_record::RunRecord;
use prismq_record::files::{FileError, json};

use super::arguments::{Source, Targets};
use super::show::{deliver, warn};
use crate::conclude::{Error, own_baseline, page, rules};
use crate::export::{SUMMARY_BYTES_MAX, annotations, cut, junit};
use crate::render::{View, markdown};

/// Write the report of a run
///
/// For people and for CI; to gate on a result, use `check` and `compare`.
#[derive(Debug, Args)]
#[command(after_help = "\
The run is checked against the targets and compared with the baseline of its machine, if there is one. The
HTML page also shows Criterion's estimates, if its files are those of the run. They are searched in
CRITERION_HOME, else in the target folder: CARGO_TARGET_DIR, or `target` next to the results folder.

Examples:
  prismq-report report --format html -o report.html
  prismq-report report --format md -o report.md
  prismq-report report 01KAVA7ZC4M2T0W6Y5N1Q8R3XD --format junit -o junit.xml
  prismq-report report --format github     in a step of GitHub Actions

Exit statuses: 0 the report is written; 2 there is no such run, or a target cannot be checked; 1 a file could
not be read or written.")]
pub(super) struct Report {
    #[command(flatten)]
    source: Source,
    /// The format
    #[arg(long, default_value = "md")]
    format: Format,
    #[command(flatten)]
    targets: Targets,
    /// Write to this file instead of standard output
    #[arg(short, long, value_name = "PATH")]
    output: Option<PathBuf>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Format {
    /// Markdown
    Md,
    /// One HTML page, with charts and the history of the machine
    Html,
    /// The combined record with its verdict
    Json,
    /// JUnit XML: a test case for each target
    Junit,
    /// GitHub Actions: annotations on standard output, and Markdown to $GITHUB_STEP_SUMMARY if it is set
    Github,
}

impl Report {
    pub(super) fn run(self, results: &Path) -> Result<u8, Error> {
        let mut run = self.source.load(results)?;
        let targets = self.targets.read_for(&run)?;
        let mut warnings = Vec::new();
        let baseline = own_baseline(results, &run, &mut warnings);
        let rules = rules(results, &run, &mut warnings);
        warn(&warnings);
        let comparison =
            baseline.as_ref().map(|(name, before)| compare_by(&rules, name, before, &run));
        let verdict = judge(&run, &targets, comparison, FailOn::Never)?;
        let text = match self.format {
            Format::Md => markdown(&View::new(&run, &verdict))?,
            Format::Html => {
                let before = baseline.as_ref().map(|(_, before)| before);
                page(results, &run, &verdict, before, &[], &criterion_home(results))?
            }
            Format::Json => {
                run.verdict = Some(verdict.record(&run));
                json(&run)?
            }
            Format::Junit => junit(&run, &verdict)?,
            Format::Github => {
                summarise(&run, &verdict, env::var_os("GITHUB_STEP_SUMMARY"))?;
                annotations(&run, &verdict)
            }
        };
        deliver(&text, self.output.as_ref())?;
        Ok(0)
    }
}

/// Criterion's folder: `CRITERION_HOME`, else the one in the target folder, which is `CARGO_TARGET_DIR` or `target`
/// next to the results folder.
fn criterion_home(results: &Path) -> PathBuf {
    let named = |variable| env::var_os(variable).filter(|dir| !dir.is_empty()).map(PathBuf::from);
    named("CRITERION_HOME").unwrap_or_else(|| {
        let target = named("CARGO_TARGET_DIR").unwrap_or_else(|| results.join("../target"));
        target.join("criterion")
    })
}

/// Appends the report to the step summary, cut to what is left of its limit.
fn summarise(run: &RunRecord, verdict: &Verdict, file: Option<OsString>) -> Result<(), Error> {
    let Some(path) = file.filter(|path| !path.is_empty()).map(PathBuf::from) else { return Ok(()) };
    let failed = |source| FileError::Write { path: path.clone(), source };
    let mut file = OpenOptions::new().append(true).create(true).open(&path).map_err(failed)?;
    let taken = usize::try_from(file.metadata().map_err(failed)?.len()).unwrap_or(usize::MAX);
    let text = markdown(&View::new(run, verdict))?;
    let text = cut(&text, SUMMARY_BYTES_MAX.saturating_sub(taken));
    file.write_all(text.as_bytes()).map_err(failed)?;
    Ok(())
}
