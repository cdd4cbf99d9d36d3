//! The file: only ever appended to, and read past a line that a crash cut short.

use std::collections::BTreeMap;
use std::fs::{File, OpenOptions};
use std::io::{self, Read as _, Seek as _, SeekFrom, Write as _};
use std::path::{Path, PathBuf};

use serde_json::error::Category;

use super::line::{HISTORY_SCHEMA, HISTORY_VERSION, HistoryLine};
use crate::files::{FileError, bytes, major};
use crate::fingerprint::{config_hash, identity};
use crate::record::RunRecord;

const FILE: &str = "history.jsonl";

/// The most bytes that are read: some ten thousand runs.
const HISTORY_BYTES_MAX: u64 = 256 << 20;

/// Adds a run to the history of a results folder, unless it stands there already, and returns the file.
///
/// # Errors
/// [`FileError`] if the file cannot be read or written. A damaged line in it is left as it is.
pub fn append(results: &Path, line: &HistoryLine) -> Result<PathBuf, FileError> {
    let path = results.join(FILE);
    let failed = |source| FileError::Write { path: path.clone(), source };
    std::fs::create_dir_all(results).map_err(failed)?;
    let mut file =
        OpenOptions::new().read(true).append(true).create(true).open(&path).map_err(failed)?;
    // Held until the file is closed, so that the same run is not added by two processes at once.
    match file.lock() {
        Err(error) if error.kind() != io::ErrorKind::Unsupported => return Err(failed(error)),
        _ => {}
    }
    let known = bytes(&path, HISTORY_BYTES_MAX)?;
    let mut known = known.split(|byte| *byte == b'\n').map(serde_json::from_slice::<HistoryLine>);
    if known.any(|known| known.is_ok_and(|known| known.run_id == line.run_id)) {
        return Ok(path);
    }
    add(&mut file, line).map_err(failed)?;
    Ok(path)
}

/// Adds a line by a single write, so that a process that does not lock cannot write in between.
fn add(file: &mut File, line: &HistoryLine) -> io::Result<()> {
    let mut bytes = Vec::new();
    if !ends_with_newline(file)? {
        // What a crash cut short stays a line of its own.
        bytes.push(b'\n');
    }
    serde_json::to_writer(&mut bytes, line)?;
    bytes.push(b'\n');
    if file.write(&bytes)? < bytes.len() {
        return Err(io::Error::new(io::ErrorKind::WriteZero, "the disk took only part of a line"));
    }
    file.sync_data()
}

fn ends_with_newline(file: &mut File) -> io::Result<bool> {
    if file.metadata()?.len() == 0 {
        return Ok(true);
    }
    let mut last = [0];
    file.seek(SeekFrom::End(-1))?;
    file.read_exact(&mut last)?;
    Ok(last == *b"\n")
}

/// The history of a results folder, oldest run first; empty if the file does not exist.
///
/// # Errors
/// As for [`read_file`].
pub fn read(results: &Path) -> Result<Vec<HistoryLine>, FileError> {
    match read_file(&results.join(FILE)) {
        Err(FileError::Read { source, .. }) if source.kind() == io::ErrorKind::NotFound => {
            Ok(Vec::new())
        }
        other => other,
    }
}

/// The runs of this run's machine, engine and profile that ended before it, oldest first, with those of
/// their figures that were measured at the same work as this run's.
///
/// # Errors
/// As for [`read_file`].
pub fn before(results: &Path, run: &RunRecord) -> Result<Vec<HistoryLine>, FileError> {
    let Some(own) = identity(run) else { return Ok(Vec::new()) };
    let mut lines = read(results)?;
    lines.retain(|line| line.is_of(&own) && line.ended_at < run.ended_at);
    let scenarios = run.suites.iter().flat_map(|suite| &suite.scenarios);
    let work: BTreeMap<&str, String> = scenarios
        .map(|scenario| (scenario.id.as_str(), config_hash(&scenario.parameters)))
        .collect();
    for line in &mut lines {
        line.metrics.retain(|metric| {
            let scenario = metric.id.split_once(':').map(|(scenario, _)| scenario);
            let own = scenario.and_then(|scenario| work.get(scenario));
            own.is_some() && own == metric.config_hash.as_ref()
        });
    }
    Ok(lines)
}

/// The history in a file. A line whose JSON is incomplete was cut short by a crash and is skipped.
///
/// # Errors
/// [`FileError`] names a line that is damaged or of another major version.
pub fn read_file(path: &Path) -> Result<Vec<HistoryLine>, FileError> {
    let bytes = bytes(path, HISTORY_BYTES_MAX)?;
    let mut lines: Vec<HistoryLine> = Vec::new();
    let texts = bytes.split(|byte| *byte == b'\n').enumerate();
    for (index, text) in texts.filter(|(_, text)| !text.is_empty()) {
        match serde_json::from_slice::<HistoryLine>(text) {
            Ok(line) => {
                examine(path, index, &line)?;
                lines.push(line);
            }
            Err(error) if error.classify() == Category::Eof => {}
            Err(source) => {
                let (path, place) = (path.to_owned(), format!("line {}", index + 1));
                return Err(FileError::NotARecord { path, place, source });
            }
        }
    }
    lines.sort_by_key(|line| line.ended_at);
    Ok(lines)
}

fn examine(path: &Path, index: usize, line: &HistoryLine) -> Result<(), FileError> {
    let path = || PathBuf::from(format!("{}:{}", path.display(), index + 1));
    if line.schema != HISTORY_SCHEMA {
        let found = line.schema.clone();
        return Err(FileError::Schema { path: path(), found, expected: HISTORY_SCHEMA });
    }
    if major(&line.schema_version) != major(HISTORY_VERSION) {
        let found = line.schema_version.clone();
        return Err(FileError::Version { path: path(), found, supported: HISTORY_VERSION });
    }
    Ok(())
}
