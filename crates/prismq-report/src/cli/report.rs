//! `report`: a run and its verdict in the form that a reader wants.

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

use super::show::{deliver, warn};
use super::source::{Source, Targets};
use crate::conclude::{Error, own_baseline, page, rules};
use crate::export::{SUMMARY_BYTES_MAX, annotations, cut, junit};
use crate::render::{View, markdown};

/// What did this run come to?
///
/// Draws it, for people and for CI; `check` and `compare` are what gates.
#[derive(Debug, Args)]
#[command(after_help = "\
The run is held against the targets and set beside the baseline of its machine, if there is one. The page
also shows what Criterion makes of the benchmarks, as long as its files are those of the run: they are looked
for where CRITERION_HOME says, else in the target folder, which is beside the results or CARGO_TARGET_DIR.

Examples:
  prismq-report report --format html -o report.html
  prismq-report report --format md -o report.md
  prismq-report report 01KAVA7ZC4M2T0W6Y5N1Q8R3XD --format junit -o junit.xml
  prismq-report report --format github     in a step of GitHub Actions

Exit statuses: 0 the report is drawn, whatever it says; 2 there is no such run, or a target says nothing
that can be checked; 1 a file could not be read or written.")]
pub(super) struct Report {
    #[command(flatten)]
    source: Source,
    /// The form
    #[arg(long, default_value = "md")]
    format: Format,
    #[command(flatten)]
    targets: Targets,
    /// Write to this file rather than to standard output
    #[arg(short, long, value_name = "PATH")]
    output: Option<PathBuf>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Format {
    /// Markdown, to be read
    Md,
    /// One page for a browser, with pictures and the history of the machine
    Html,
    /// The combined record with its verdict
    Json,
    /// JUnit: a test case a target
    Junit,
    /// GitHub Actions: annotations on standard output, and Markdown to $GITHUB_STEP_SUMMARY where it is set
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

/// Where Criterion keeps its figures: `CRITERION_HOME`, else in the target folder, which lies beside the
/// results unless `CARGO_TARGET_DIR` says otherwise.
fn criterion_home(results: &Path) -> PathBuf {
    let named = |variable| env::var_os(variable).filter(|dir| !dir.is_empty()).map(PathBuf::from);
    named("CRITERION_HOME").unwrap_or_else(|| {
        let target = named("CARGO_TARGET_DIR").unwrap_or_else(|| results.join("../target"));
        target.join("criterion")
    })
}

/// Adds the report to the summary of the step, as far as it has room.
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
