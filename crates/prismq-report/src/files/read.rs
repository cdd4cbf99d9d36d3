//! Reading a record, and refusing what is none.

use std::collections::HashSet;
use std::fs;
use std::path::Path;

use serde::Deserialize;
use serde::de::DeserializeOwned;

use super::error::FileError;
use crate::record::{RUN_SCHEMA, RunRecord, SCHEMA_VERSION, SUITE_SCHEMA, SUITES, SuiteRecord};

/// What every record says of itself.
#[derive(Deserialize)]
struct Envelope {
    schema: String,
    schema_version: String,
}

/// Reads what a suite wrote.
///
/// # Errors
/// [`FileError`] says what is wrong with the file, and where.
pub fn read_suite(path: &Path) -> Result<SuiteRecord, FileError> {
    let record: SuiteRecord = read(path, SUITE_SCHEMA)?;
    examine(path, &record)?;
    Ok(record)
}

/// Reads a combined record.
///
/// # Errors
/// [`FileError`] says what is wrong with the file, and where.
pub fn read_run(path: &Path) -> Result<RunRecord, FileError> {
    let run: RunRecord = read(path, RUN_SCHEMA)?;
    for suite in &run.suites {
        known(path, SUITE_SCHEMA, &suite.schema, &suite.schema_version)?;
        examine(path, suite)?;
        if suite.run_id != run.run_id {
            let reason = format!("suite {} is of run {}", suite.suite, suite.run_id);
            return Err(FileError::Contradiction { path: path.to_owned(), reason });
        }
    }
    // Else a suite could vanish from a record without being missed.
    for name in SUITES {
        let there = run.suites.iter().filter(|suite| suite.suite == name).count();
        let missing = run.missing.iter().filter(|missing| *missing == name).count();
        if there + missing != 1 {
            let reason = format!("suite {name} is there {there} times and missing {missing} times");
            return Err(FileError::Contradiction { path: path.to_owned(), reason });
        }
    }
    Ok(run)
}

fn read<T: DeserializeOwned>(path: &Path, schema: &'static str) -> Result<T, FileError> {
    let text = fs::read_to_string(path)
        .map_err(|source| FileError::Read { path: path.to_owned(), source })?;
    let not_a_record = |source| FileError::NotARecord { path: path.to_owned(), source };
    let envelope: Envelope = serde_json::from_str(&text).map_err(not_a_record)?;
    known(path, schema, &envelope.schema, &envelope.schema_version)?;
    serde_json::from_str(&text).map_err(not_a_record)
}

fn known(
    path: &Path,
    expected: &'static str,
    schema: &str,
    version: &str,
) -> Result<(), FileError> {
    if schema != expected {
        let (path, found) = (path.to_owned(), schema.to_owned());
        return Err(FileError::Schema { path, found, expected });
    }
    if major(version) != major(SCHEMA_VERSION) {
        let (path, found) = (path.to_owned(), version.to_owned());
        return Err(FileError::Version { path, found, supported: SCHEMA_VERSION });
    }
    Ok(())
}

/// Refuses what would leave open which figure is meant.
fn examine(path: &Path, record: &SuiteRecord) -> Result<(), FileError> {
    if !SUITES.contains(&record.suite.as_str()) {
        let (path, suite) = (path.to_owned(), record.suite.clone());
        return Err(FileError::UnknownSuite { path, suite });
    }
    let mut ids = HashSet::new();
    match record.scenarios.iter().find(|scenario| !ids.insert(scenario.id.as_str())) {
        None => Ok(()),
        Some(scenario) => {
            let reason = format!("scenario {} is there twice", scenario.id);
            Err(FileError::Contradiction { path: path.to_owned(), reason })
        }
    }
}

fn major(version: &str) -> &str {
    version.split('.').next().unwrap_or(version)
}
