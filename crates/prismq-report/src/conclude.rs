//! The end of a `cargo bench`: gathers the records of the run's suites, judges the run, and writes the combined
//! record, the reports and the history. Called by the verdict benchmark.

use std::path::{Path, PathBuf};

use prismq_judge::comparison::{Rules, compare_by, pool};
use prismq_judge::targets::{self, TargetError};
use prismq_judge::verdict::{FailOn, Status, Verdict, judge};
use prismq_record::RunRecord;
use prismq_record::baseline::{self, BaselineError};
use prismq_record::criterion::benchmarks;
use prismq_record::files::{
    FileError, Gathered, Selection, gather_all, gather_with_files, write_report, write_run,
};
use prismq_record::fingerprint::identity;
use prismq_record::history;
use thiserror::Error;

use crate::export::ExportError;
use crate::noise;
use crate::render::html::{Input, points};
use crate::render::{RenderError, TerminalOptions, View, html, markdown, terminal_as};
use crate::trend::LATEST;

/// Changes that the terminal shows of a run.
const CHANGES_MAX: usize = 20;

/// What to conclude, and where.
#[derive(Debug, Clone)]
pub struct Options<'a> {
    /// The folder of results.
    pub results: &'a Path,
    /// The file of targets.
    pub targets: &'a Path,
    /// Criterion's folder.
    pub criterion: &'a Path,
    /// Which run.
    pub run: Selection,
    /// Keep the run as a baseline of this name, replacing an existing one.
    pub save_baseline: Option<String>,
    /// Compare with the baseline of this name rather than the machine's own.
    pub baseline: Option<String>,
    /// Whether the named baseline may be missing: nothing is compared then, with a warning.
    pub baseline_lenient: bool,
}

/// The conclusion of a run.
#[derive(Debug, Clone)]
pub struct Conclusion {
    /// The status.
    pub status: Status,
    /// The report for a terminal.
    pub terminal: String,
    /// The files written, the combined record first.
    pub files: Vec<PathBuf>,
}

/// Why a run could not be concluded, or a command not be done.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum Error {
    /// A record could not be read or written.
    #[error(transparent)]
    File(#[from] FileError),
    /// The targets cannot be read or checked.
    #[error(transparent)]
    Target(#[from] TargetError),
    /// A baseline could not be kept or found.
    #[error(transparent)]
    Baseline(#[from] BaselineError),
    /// Standard output could not be written.
    #[error("cannot write to standard output: {0}")]
    Output(std::io::Error),
    /// The report could not be drawn.
    #[error(transparent)]
    Render(#[from] RenderError),
    /// A run could not be exported.
    #[error(transparent)]
    Export(#[from] ExportError),
    /// No run was concluded yet.
    #[error("{} holds no history: run `cargo bench` first", results.display())]
    NoHistory {
        /// The folder.
        results: PathBuf,
    },
    /// No queues were measured side by side yet.
    #[error("{} holds no record of queues side by side: run `cargo bench --bench versus` first", results.display())]
    NoVersus {
        /// The folder.
        results: PathBuf,
    },
    /// The history has no such metric.
    #[error(
        "no metric {id:?} in the {runs} latest runs of this machine, engine and profile: \
         `prismq-report history` lists the existing ones"
    )]
    NoSuchMetric {
        /// The id that was asked for.
        id: String,
        /// The number of runs searched.
        runs: usize,
    },
}

impl Error {
    /// Its exit status: 2 for a wrong setting or name, 5 for missing or damaged data, 1 for a failure.
    #[must_use]
    pub const fn exit_code(&self) -> u8 {
        match self {
            Self::File(FileError::NoSuchRun { .. }) | Self::NoSuchMetric { .. } => 2,
            Self::Baseline(BaselineError::File(_))
            | Self::File(_)
            | Self::Output(_)
            | Self::Render(_)
            | Self::Export(ExportError::Format { .. }) => 1,
            Self::Baseline(_) | Self::Target(_) | Self::Export(ExportError::Several { .. }) => 2,
            Self::NoHistory { .. } | Self::NoVersus { .. } | Self::Export(_) => 5,
        }
    }
}

/// Concludes a run: writes the combined record with its verdict, the reports, a line of the history and, if asked
/// for or if there is none yet, the baseline.
///
/// # Errors
/// [`enum@Error`] says what is wrong, and where.
pub fn conclude(options: &Options<'_>) -> Result<Conclusion, Error> {
    let Gathered { mut run, files: read, mut warnings } =
        gather_with_files(options.results, &options.run)?;
    let targets = targets::read_for(options.targets, &run)?;
    let baseline = baseline_of(options, &run, &mut warnings)?;
    let rules = rules(options.results, &run, &mut warnings);
    let comparison = baseline.as_ref().map(|(name, before)| compare_by(&rules, name, before, &run));
    let verdict = judge(&run, &targets, comparison, FailOn::Never)?;
    run.verdict = Some(verdict.record(&run));
    let mut files = vec![write_run(options.results, &run)?];
    let records = [files.as_slice(), &read].concat();
    let view = View::new(&run, &verdict).with_files(&records);
    files.push(write_report(options.results, run.started_at, "md", &markdown(&view)?)?);
    let before = baseline.as_ref().map(|(_, before)| before);
    let page = page(options.results, &run, &verdict, before, &records, options.criterion)?;
    files.push(write_report(options.results, run.started_at, "html", &page)?);
    files.push(history::append(options.results, &verdict.history_line(&run))?);

    // The report has all of them.
    let look = TerminalOptions { changes_max: Some(CHANGES_MAX), ..TerminalOptions::of_stdout() };
    let mut text = terminal_as(&view, look);
    if let Some(kept) = keep(options, &run, verdict.status)? {
        text.push_str(&kept.message);
        files.push(kept.path);
    }
    for warning in warnings {
        text.push_str(&format!("\nwarning: {warning}\n"));
    }
    Ok(Conclusion { status: verdict.status, terminal: text, files })
}

/// The HTML report of a run, with the history of its machine, Criterion's estimates and, if it was compared, its
/// baseline.
///
/// # Errors
/// [`enum@Error`] if a distribution of a record is damaged.
pub fn page(
    results: &Path,
    run: &RunRecord,
    verdict: &Verdict,
    baseline: Option<&RunRecord>,
    files: &[PathBuf],
    criterion: &Path,
) -> Result<String, Error> {
    // `rules` warns of an unreadable history.
    let mut runs = history::before(results, run).unwrap_or_default();
    runs.push(verdict.history_line(run));
    let history = points(&runs);
    let baseline = baseline.filter(|_| {
        verdict.comparison.as_ref().is_some_and(|found| found.not_comparable.is_none())
    });
    let criterion = benchmarks(criterion, run);
    let own = Input::new(run, verdict);
    Ok(html(&Input { baseline, history: &history, files, criterion: &criterion, ..own })?)
}

/// The baseline a run is compared with, by its name.
fn baseline_of(
    options: &Options<'_>,
    run: &RunRecord,
    warnings: &mut Vec<String>,
) -> Result<Option<(String, RunRecord)>, Error> {
    let Some(name) = &options.baseline else {
        return Ok(own_baseline(options.results, run, warnings));
    };
    match baseline::load(options.results, name) {
        Ok(before) => Ok(Some((name.clone(), before))),
        Err(error @ BaselineError::Unknown { .. }) if options.baseline_lenient => {
            warnings.push(format!("nothing was compared: {error}"));
            Ok(None)
        }
        Err(error) => Err(error.into()),
    }
}

/// What a run is compared with by default: the latest runs of the main line on its machine, else the baseline of
/// its machine, engine and profile, unless that is the run itself. An unreadable baseline is a warning, as the
/// user did not name it.
#[must_use]
pub fn own_baseline(
    results: &Path,
    run: &RunRecord,
    warnings: &mut Vec<String>,
) -> Option<(String, RunRecord)> {
    // `rules` warns of an unreadable history.
    if let Ok(Some(latest)) = main_line(results, run) {
        return Some(latest);
    }
    let own = identity(run)?;
    match baseline::load(results, &own) {
        Ok(before) => (before.run_id != run.run_id).then_some((own, before)),
        Err(BaselineError::Unknown { .. }) => None,
        Err(error) => {
            warnings.push(format!(
                "nothing was compared, as the machine's baseline cannot be read: {error}; \
                 `prismq-report baseline rm {own}` removes it"
            ));
            None
        }
    }
}

/// The default rules of a comparison with the known noise of this machine. Unreadable files of older runs are a
/// warning: without them only large changes count.
#[must_use]
pub fn rules(results: &Path, run: &RunRecord, warnings: &mut Vec<String>) -> Rules {
    noise::rules(results, run).unwrap_or_else(|error| {
        warnings.push(format!("compared as if this machine had no history: {error}"));
        Rules::default()
    })
}

/// The branches that are a main line.
const MAIN: [&str; 2] = ["main", "master"];

/// The latest whole runs of the main line before this one whose records are still there, as one run.
fn main_line(results: &Path, run: &RunRecord) -> Result<Option<(String, RunRecord)>, Error> {
    let unsound = [Status::Invalid, Status::Partial].map(Status::word);
    let past = history::before(results, run)?;
    let main = past.iter().rev().filter(|line| {
        let branch = line.branch.as_deref();
        branch.is_some_and(|branch| MAIN.contains(&branch))
            && line.dirty == Some(false)
            && !unsound.contains(&line.status.as_str())
            && line.run_id != run.run_id
    });
    let ids: Vec<&str> = main.take(LATEST).map(|line| line.run_id.as_str()).collect();
    if ids.is_empty() {
        return Ok(None);
    }
    let runs = gather_all(results, &ids)?;
    let name = match runs.len() {
        1 => "the latest run of the main line".to_owned(),
        count => format!("the latest {count} runs of the main line"),
    };
    Ok(pool(&runs).map(|pooled| (name, pooled)))
}

struct Kept {
    message: String,
    path: PathBuf,
}

/// Keeps the run as the baseline that was asked for, or as the machine's first.
fn keep(options: &Options<'_>, run: &RunRecord, status: Status) -> Result<Option<Kept>, Error> {
    if let Some(name) = &options.save_baseline {
        let path = baseline::save(options.results, name, run, true)?;
        let but = match status {
            Status::Invalid => ", although it is invalid",
            Status::Partial => ", although only a part was measured",
            _ => "",
        };
        return Ok(Some(Kept { message: format!("\nkept as baseline {name}{but}\n"), path }));
    }
    let Some(own) = identity(run) else { return Ok(None) };
    if matches!(status, Status::Invalid | Status::Partial)
        || baseline::exists(options.results, &own)?
    {
        return Ok(None);
    }
    let path = baseline::save(options.results, &own, run, false)?;
    let message = format!("\nthe first valid run on this machine: kept as its baseline {own}\n");
    Ok(Some(Kept { message, path }))
}
