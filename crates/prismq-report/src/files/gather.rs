//! Finding the suite records of one run.

use std::fs;
use std::path::{Path, PathBuf};

use super::error::FileError;
use super::name::suite_stem;
use super::read::read_suite;
use crate::record::{RUN_SCHEMA, RunRecord, SCHEMA_VERSION, SUITES, SuiteRecord};

/// Which run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Selection {
    /// The one that the youngest suite record belongs to.
    Latest,
    /// The one with this id.
    Id(String),
}

/// Gathers the suite records of one run. Where a suite was run twice in it, the later counts.
///
/// # Errors
/// [`FileError`] if there are none, or if any suite record in the folder cannot be read: it might be
/// the one that is asked for.
pub fn gather(dir: &Path, selection: &Selection) -> Result<RunRecord, FileError> {
    let mut records = Vec::new();
    for path in suite_files(dir)? {
        records.push(read_suite(&path)?);
    }
    let id = match selection {
        Selection::Id(id) => id.clone(),
        Selection::Latest => records
            .iter()
            .max_by_key(|record| record.started_at)
            .ok_or_else(|| FileError::NoRecords { path: dir.to_owned() })?
            .run_id
            .clone(),
    };
    records.retain(|record| record.run_id == id);
    combine(records).ok_or_else(|| FileError::NoSuchRun { path: dir.to_owned(), id })
}

fn suite_files(dir: &Path) -> Result<Vec<PathBuf>, FileError> {
    let failed = |source| FileError::Read { path: dir.to_owned(), source };
    let entries = match fs::read_dir(dir) {
        Ok(entries) => entries,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(source) => return Err(failed(source)),
    };
    let stems = SUITES.map(suite_stem);
    let mut paths = Vec::new();
    for entry in entries {
        let path = entry.map_err(failed)?.path();
        let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
        let is_suite = stems.iter().any(|stem| name.starts_with(stem.as_str()));
        if is_suite && name.ends_with(".json") {
            paths.push(path);
        }
    }
    paths.sort();
    Ok(paths)
}

fn combine(mut records: Vec<SuiteRecord>) -> Option<RunRecord> {
    records.sort_by_key(|record| record.started_at);
    let started_at = records.iter().map(|record| record.started_at).min()?;
    let ended_at = records.iter().map(|record| record.ended_at).max()?;
    let run_id = records.first()?.run_id.clone();
    let mut suites = Vec::new();
    let mut missing = Vec::new();
    for suite in SUITES {
        match records.iter().rposition(|record| record.suite == suite) {
            Some(position) => suites.push(records.remove(position)),
            None => missing.push(suite.to_owned()),
        }
    }
    Some(RunRecord {
        schema: RUN_SCHEMA.to_owned(),
        schema_version: SCHEMA_VERSION.to_owned(),
        run_id,
        started_at,
        ended_at,
        suites,
        missing,
    })
}
