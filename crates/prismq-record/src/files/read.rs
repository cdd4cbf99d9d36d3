//! Reading a record; anything else is refused.

use std::collections::{BTreeSet, HashSet};
use std::fs::File;
use std::io::{self, Read as _};
use std::path::Path;

use serde::Deserialize;
use serde::de::DeserializeOwned;

use super::contradictions::contradiction;
use super::controls::replace_controls;
use super::error::FileError;
use super::older;
use crate::record::{RUN_SCHEMA, RunRecord, SCHEMA_VERSION, SUITE_SCHEMA, SuiteRecord};

/// The most bytes of a file that are read. The combined record of a full profile, a histogram for each
/// second among it, stays below 32 MiB.
pub(super) const RECORD_BYTES_MAX: u64 = 256 << 20;

/// Either kind of record.
#[derive(Debug, Clone, PartialEq)]
pub enum AnyRecord {
    /// The record of a suite.
    Suite(Box<SuiteRecord>),
    /// A combined record.
    Run(Box<RunRecord>),
}

/// The fields that every record begins with.
#[derive(Deserialize)]
struct Envelope {
    schema: String,
    schema_version: String,
}

/// Reads the record of a suite.
///
/// # Errors
/// [`FileError`] says what is wrong with the file, and where.
pub fn read_suite(path: &Path) -> Result<SuiteRecord, FileError> {
    suite(path, &bytes(path, RECORD_BYTES_MAX)?)
}

/// Reads a combined record.
///
/// # Errors
/// [`FileError`] says what is wrong with the file, and where.
pub fn read_run(path: &Path) -> Result<RunRecord, FileError> {
    run(path, &bytes(path, RECORD_BYTES_MAX)?)
}

/// Reads a record of either kind.
///
/// # Errors
/// [`FileError`] says what is wrong with the file, and where.
pub fn read_any(path: &Path) -> Result<AnyRecord, FileError> {
    let bytes = bytes(path, RECORD_BYTES_MAX)?;
    match parse::<Envelope>(path, &bytes)?.schema.as_str() {
        RUN_SCHEMA => Ok(AnyRecord::Run(Box::new(run(path, &bytes)?))),
        _ => Ok(AnyRecord::Suite(Box::new(suite(path, &bytes)?))),
    }
}

/// The bytes of a JSON file of at most `limit` bytes, control characters replaced.
///
/// # Errors
/// [`FileError::Read`], or [`FileError::TooLarge`].
pub fn bytes(path: &Path, limit: u64) -> Result<Vec<u8>, FileError> {
    match at_most(path, limit) {
        Ok(Some(mut bytes)) => {
            replace_controls(&mut bytes);
            Ok(bytes)
        }
        Ok(None) => Err(FileError::TooLarge { path: path.to_owned(), limit }),
        Err(source) => Err(FileError::Read { path: path.to_owned(), source }),
    }
}

fn at_most(path: &Path, limit: u64) -> io::Result<Option<Vec<u8>>> {
    let file = File::open(path)?;
    if file.metadata()?.len() > limit {
        return Ok(None);
    }
    // Not enough by itself: a device reports no length, and a file may grow.
    let mut bytes = Vec::new();
    let length = file.take(limit + 1).read_to_end(&mut bytes)?;
    Ok((length as u64 <= limit).then_some(bytes))
}

fn suite(path: &Path, bytes: &[u8]) -> Result<SuiteRecord, FileError> {
    let mut record: SuiteRecord = record(path, bytes, SUITE_SCHEMA)?;
    older::complete(&mut record);
    examine(path, &record)?;
    Ok(record)
}

fn run(path: &Path, bytes: &[u8]) -> Result<RunRecord, FileError> {
    let mut run: RunRecord = record(path, bytes, RUN_SCHEMA)?;
    run.suites.iter_mut().for_each(older::complete);
    for suite in &run.suites {
        known(path, SUITE_SCHEMA, &suite.schema, &suite.schema_version)?;
        examine(path, suite)?;
        if suite.run_id != run.run_id {
            let reason = format!("suite {} is of run {}", suite.suite, suite.run_id);
            return Err(FileError::Contradiction { path: path.to_owned(), reason });
        }
    }
    match incomplete(&run) {
        Some(reason) => Err(FileError::Contradiction { path: path.to_owned(), reason }),
        None => Ok(run),
    }
}

/// Why a suite could vanish from a combined record without being missed, if one could.
fn incomplete(run: &RunRecord) -> Option<String> {
    let of_run = run.suites.iter().flat_map(|suite| &suite.suites_of_run);
    let there = run.suites.iter().map(|suite| &suite.suite);
    let names: BTreeSet<&String> = of_run.chain(there).chain(&run.missing).collect();
    if names.is_empty() {
        return Some("it has no suites and lists none as missing".to_owned());
    }
    names.into_iter().find_map(|name| {
        let there = run.suites.iter().filter(|suite| suite.suite == *name).count();
        let missing = run.missing.iter().filter(|missing| *missing == name).count();
        let once = there + missing == 1;
        (!once).then(|| format!("suite {name} occurs {there} times and is missing {missing} times"))
    })
}

pub(super) fn record<T: DeserializeOwned>(
    path: &Path,
    bytes: &[u8],
    schema: &'static str,
) -> Result<T, FileError> {
    let envelope: Envelope = parse(path, bytes)?;
    known(path, schema, &envelope.schema, &envelope.schema_version)?;
    parse(path, bytes)
}

/// Parses a JSON text; an error names the place in it.
///
/// # Errors
/// [`FileError::NotARecord`].
pub fn parse<T: DeserializeOwned>(path: &Path, bytes: &[u8]) -> Result<T, FileError> {
    let mut json = serde_json::Deserializer::from_slice(bytes);
    let parsed = serde_path_to_error::deserialize(&mut json).map_err(|error| {
        let place = error.path().to_string();
        FileError::NotARecord { path: path.to_owned(), place, source: error.into_inner() }
    });
    let parsed = parsed?;
    json.end().map_err(|source| {
        let place = ".".to_owned();
        FileError::NotARecord { path: path.to_owned(), place, source }
    })?;
    Ok(parsed)
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

/// Refuses records that are ambiguous about a figure.
fn examine(path: &Path, record: &SuiteRecord) -> Result<(), FileError> {
    let known = &record.suites_of_run;
    if !known.is_empty() && !known.contains(&record.suite) {
        let (path, suite) = (path.to_owned(), record.suite.clone());
        return Err(FileError::UnknownSuite { path, suite, known: known.clone() });
    }
    let mut ids = HashSet::new();
    for scenario in &record.scenarios {
        if !ids.insert(scenario.id.as_str()) {
            let reason = format!("scenario {} occurs twice", scenario.id);
            return Err(FileError::Contradiction { path: path.to_owned(), reason });
        }
        if let Some(reason) = contradiction(scenario) {
            let reason = format!("scenario {}: {reason}", scenario.id);
            return Err(FileError::Contradiction { path: path.to_owned(), reason });
        }
    }
    Ok(())
}

/// The major version, which a record and its reader must have in common.
pub(crate) fn major(version: &str) -> &str {
    version.split('.').next().unwrap_or(version)
}
