//! Reading a record, and refusing what is none.

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
    if !SUITES.contains(&record.suite.as_str()) {
        return Err(FileError::UnknownSuite { path: path.to_owned(), suite: record.suite });
    }
    Ok(record)
}

/// Reads a combined record.
///
/// # Errors
/// [`FileError`] says what is wrong with the file, and where.
pub fn read_run(path: &Path) -> Result<RunRecord, FileError> {
    read(path, RUN_SCHEMA)
}

fn read<T: DeserializeOwned>(path: &Path, schema: &'static str) -> Result<T, FileError> {
    let text = fs::read_to_string(path)
        .map_err(|source| FileError::Read { path: path.to_owned(), source })?;
    let not_a_record = |source| FileError::NotARecord { path: path.to_owned(), source };
    let envelope: Envelope = serde_json::from_str(&text).map_err(not_a_record)?;
    if envelope.schema != schema {
        let (path, found) = (path.to_owned(), envelope.schema);
        return Err(FileError::Schema { path, found, expected: schema });
    }
    if major(&envelope.schema_version) != major(SCHEMA_VERSION) {
        let (path, found) = (path.to_owned(), envelope.schema_version);
        return Err(FileError::Version { path, found, supported: SCHEMA_VERSION });
    }
    serde_json::from_str(&text).map_err(not_a_record)
}

fn major(version: &str) -> &str {
    version.split('.').next().unwrap_or(version)
}
