//! Finding the suite records of one run.

use std::cmp::Reverse;
use std::fs;
use std::path::{Path, PathBuf};

use super::error::FileError;
use super::name::is_suite_stem;
use super::read::read_suite;
use super::unread::{Span, Unread};
use crate::record::{RUN_SCHEMA, RunRecord, SCHEMA_VERSION, SuiteRecord};

/// How many runs an error names.
const LATEST_NAMED: usize = 5;

/// Which run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Selection {
    /// The one that the youngest suite record belongs to.
    Latest,
    /// The one with this id.
    Id(String),
}

/// A run, the files it was read from, and what was skipped.
#[derive(Debug, Clone, PartialEq)]
pub struct Gathered {
    /// The run.
    pub run: RunRecord,
    /// The file of each suite, in the order of the suites.
    pub files: Vec<PathBuf>,
    /// Records of other runs that cannot be read, one sentence each.
    pub warnings: Vec<String>,
}

/// Gathers the suite records of one run. If a suite was run twice, the later record counts.
///
/// # Errors
/// [`FileError`] if there are none, or if a suite record that is or may be of this run cannot be read.
/// Unreadable records of other runs are skipped.
pub fn gather(dir: &Path, selection: &Selection) -> Result<RunRecord, FileError> {
    gather_with_files(dir, selection).map(|gathered| gathered.run)
}

/// The same, with the files and the warnings.
///
/// # Errors
/// As for [`gather`].
pub fn gather_with_files(dir: &Path, selection: &Selection) -> Result<Gathered, FileError> {
    let (mut records, mut unread) = (Vec::new(), Vec::new());
    for path in suite_files(dir)? {
        match read_suite(&path) {
            Ok(record) => records.push((record, path)),
            Err(error) => unread.push(Unread::new(&path, error)),
        }
    }
    let id = match selection {
        Selection::Id(id) => id.clone(),
        Selection::Latest => match records.iter().max_by_key(|(record, _)| record.started_at) {
            Some((record, _)) => record.run_id.clone(),
            None => {
                let error = unread.into_iter().next().map(|unread| unread.error);
                return Err(error.unwrap_or_else(|| FileError::NoRecords { path: dir.to_owned() }));
            }
        },
    };
    let (chosen, others): (Vec<_>, Vec<_>) =
        records.into_iter().partition(|(record, _)| record.run_id == id);
    let span = Span::of(&chosen);
    let mut warnings = Vec::new();
    for unread in unread {
        if unread.may_be_of(&id, selection, span.as_ref()) {
            return Err(unread.error);
        }
        warnings.push(format!("skipped an unreadable record of another run: {}", unread.error));
    }
    let Some((run, files)) = combine(chosen) else {
        let latest = latest_runs(others.into_iter().map(|(record, _)| record).collect());
        return Err(FileError::NoSuchRun { path: dir.to_owned(), id, latest });
    };
    Ok(Gathered { run, files, warnings })
}

/// The runs of these ids that have readable records, in the order of the ids. What cannot be read is left
/// out.
///
/// # Errors
/// [`FileError::Read`] if the folder cannot be searched.
pub fn gather_all(dir: &Path, ids: &[&str]) -> Result<Vec<RunRecord>, FileError> {
    let mut records = Vec::new();
    for path in suite_files(dir)? {
        let wanted = |record: &SuiteRecord| ids.contains(&record.run_id.as_str());
        records.extend(read_suite(&path).ok().filter(wanted).map(|record| (record, path)));
    }
    let of = |id: &&str| {
        let own = records.iter().filter(|(record, _)| record.run_id == **id).cloned();
        combine(own.collect()).map(|(run, _)| run)
    };
    Ok(ids.iter().filter_map(of).collect())
}

fn latest_runs(mut records: Vec<SuiteRecord>) -> Vec<String> {
    records.sort_by_key(|record| Reverse(record.started_at));
    let mut ids: Vec<String> = Vec::new();
    for record in records {
        if !ids.contains(&record.run_id) {
            ids.push(record.run_id);
        }
    }
    ids.truncate(LATEST_NAMED);
    ids
}

fn suite_files(dir: &Path) -> Result<Vec<PathBuf>, FileError> {
    let failed = |source| FileError::Read { path: dir.to_owned(), source };
    let entries = match fs::read_dir(dir) {
        Ok(entries) => entries,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(source) => return Err(failed(source)),
    };
    let mut paths = Vec::new();
    for entry in entries {
        let path = entry.map_err(failed)?.path();
        let is_json = path.extension().is_some_and(|extension| extension == "json");
        let stem = path.file_stem().and_then(|stem| stem.to_str()).unwrap_or_default();
        if is_json && is_suite_stem(stem) {
            paths.push(path);
        }
    }
    paths.sort();
    Ok(paths)
}

/// The suites of a whole run as its records name them, each once.
fn suites_of_run(records: &[(SuiteRecord, PathBuf)]) -> Vec<String> {
    let mut names: Vec<String> = Vec::new();
    for (record, _) in records {
        for name in record.suites_of_run.iter().chain([&record.suite]) {
            if !names.contains(name) {
                names.push(name.clone());
            }
        }
    }
    names
}

fn combine(mut records: Vec<(SuiteRecord, PathBuf)>) -> Option<(RunRecord, Vec<PathBuf>)> {
    records.sort_by_key(|(record, _)| record.started_at);
    let started_at = records.iter().map(|(record, _)| record.started_at).min()?;
    let ended_at = records.iter().map(|(record, _)| record.ended_at).max()?;
    let run_id = records.first()?.0.run_id.clone();
    let (mut suites, mut files, mut missing) = (Vec::new(), Vec::new(), Vec::new());
    for suite in suites_of_run(&records) {
        match records.iter().rposition(|(record, _)| record.suite == suite) {
            Some(position) => {
                let (record, path) = records.remove(position);
                suites.push(record);
                files.push(path);
            }
            None => missing.push(suite),
        }
    }
    let run = RunRecord {
        schema: RUN_SCHEMA.to_owned(),
        schema_version: SCHEMA_VERSION.to_owned(),
        run_id,
        started_at,
        ended_at,
        suites,
        missing,
        verdict: None,
    };
    Some((run, files))
}
