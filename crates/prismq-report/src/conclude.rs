//! The end of a `cargo bench`: gathers the run's records, writes what belongs together, judges and
//! draws. The one call of the verdict bench.

use std::path::{Path, PathBuf};

use thiserror::Error;

use crate::baseline::{self, BaselineError};
use crate::comparison::{Comparison, compare_by};
use crate::files::{FileError, Selection, gather_with_files, write_report, write_run};
use crate::fingerprint::identity;
use crate::noise;
use crate::record::RunRecord;
use crate::render::{RenderError, View, markdown, terminal};
use crate::targets::{self, TargetError};
use crate::verdict::{OnRegression, Status, judge};

/// What to conclude from.
#[derive(Debug, Clone)]
pub struct Options<'a> {
    /// The folder of results.
    pub results: &'a Path,
    /// The file of targets.
    pub targets: &'a Path,
    /// Which run.
    pub run: Selection,
    /// Keep the run as a baseline of this name, in place of another.
    pub save_baseline: Option<String>,
    /// Compare with the baseline of this name rather than the machine's own.
    pub baseline: Option<String>,
}

/// What was concluded.
#[derive(Debug, Clone)]
pub struct Conclusion {
    /// What it comes to.
    pub status: Status,
    /// The table for a terminal.
    pub terminal: String,
    /// The files written, the combined record first.
    pub files: Vec<PathBuf>,
}

/// Why nothing could be concluded.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum Error {
    /// A record could not be read or written.
    #[error(transparent)]
    File(#[from] FileError),
    /// The targets say nothing that can be checked.
    #[error(transparent)]
    Target(#[from] TargetError),
    /// A baseline could not be kept or found.
    #[error(transparent)]
    Baseline(#[from] BaselineError),
    /// What was asked for could not be shown.
    #[error("cannot write to standard output: {0}")]
    Output(std::io::Error),
    /// The report could not be drawn.
    #[error(transparent)]
    Render(#[from] RenderError),
}

impl Error {
    /// The exit status it stands for: 2 where a setting is wrong, 1 where something failed.
    #[must_use]
    pub const fn exit_code(&self) -> u8 {
        match self {
            Self::Baseline(BaselineError::File(_))
            | Self::File(_)
            | Self::Output(_)
            | Self::Render(_) => 1,
            Self::Baseline(_) | Self::Target(_) => 2,
        }
    }
}

/// Concludes a run: writes the combined record, the report and, where asked or where there is none
/// yet, the baseline.
///
/// # Errors
/// [`enum@Error`] says what is wrong, and where.
pub fn conclude(options: &Options<'_>) -> Result<Conclusion, Error> {
    let targets = targets::read(options.targets)?;
    let (run, read) = gather_with_files(options.results, &options.run)?;
    let comparison = compare_with(options, &run)?;
    let verdict = judge(&run, &targets, comparison, OnRegression::Show)?;
    let mut files = vec![write_run(options.results, &run)?];
    let view = View::new(&run, &verdict).with_files(&[files.as_slice(), &read].concat());
    files.push(write_report(options.results, run.started_at, &markdown(&view)?)?);

    let mut text = terminal(&view);
    if let Some(kept) = keep(options, &run, verdict.status)? {
        text.push_str(&kept.said);
        files.push(kept.path);
    }
    Ok(Conclusion { status: verdict.status, terminal: text, files })
}

fn compare_with(options: &Options<'_>, run: &RunRecord) -> Result<Option<Comparison>, Error> {
    let name = match &options.baseline {
        Some(name) => name.clone(),
        None => match identity(run) {
            Some(own) if baseline::exists(options.results, &own)? => own,
            _ => return Ok(None),
        },
    };
    let before = baseline::load(options.results, &name)?;
    Ok(Some(compare_by(&noise::rules(options.results, run)?, &name, &before, run)))
}

struct Kept {
    said: String,
    path: PathBuf,
}

/// Keeps the run as the baseline that was asked for, or as the machine's first.
fn keep(options: &Options<'_>, run: &RunRecord, status: Status) -> Result<Option<Kept>, Error> {
    if let Some(name) = &options.save_baseline {
        let path = baseline::save(options.results, name, run, true)?;
        let but = if status == Status::Invalid { ", though it is invalid" } else { "" };
        return Ok(Some(Kept { said: format!("\nkept as baseline {name}{but}\n"), path }));
    }
    let Some(own) = identity(run) else { return Ok(None) };
    if status == Status::Invalid || baseline::exists(options.results, &own)? {
        return Ok(None);
    }
    let path = baseline::save(options.results, &own, run, false)?;
    let said = format!("\nthe first valid run on this machine: kept as its baseline {own}\n");
    Ok(Some(Kept { said, path }))
}
