//! Records of queues that were measured side by side.

use std::fs;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use super::error::FileError;
use super::name::{VERSUS_STEM, stamp_of};
use super::read::{RECORD_BYTES_MAX, bytes, record};
use super::write::{json, write_stamped};
use crate::record::{VERSUS_SCHEMA, VersusRecord};

/// Writes a record.
///
/// # Errors
/// [`FileError::Write`]; nothing is then left behind.
pub fn write_versus(dir: &Path, record: &VersusRecord) -> Result<PathBuf, FileError> {
    write_stamped(dir, VERSUS_STEM, record.started_at, "json", json(record)?.as_bytes())
}

/// Reads a record.
///
/// # Errors
/// [`FileError`] says what is wrong with the file, and where.
pub fn read_versus(path: &Path) -> Result<VersusRecord, FileError> {
    record(path, &bytes(path, RECORD_BYTES_MAX)?, VERSUS_SCHEMA)
}

/// The latest record in a folder; `None` if it has none or does not exist.
///
/// # Errors
/// [`FileError::Read`] if the folder cannot be read.
pub fn latest_versus(dir: &Path) -> Result<Option<PathBuf>, FileError> {
    let failed = |source| FileError::Read { path: dir.to_owned(), source };
    let entries = match fs::read_dir(dir) {
        // Nothing was ever measured.
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
        entries => entries.map_err(failed)?,
    };
    let mut latest: Option<(String, PathBuf)> = None;
    for entry in entries {
        let path = entry.map_err(failed)?.path();
        let stem = path.file_stem().and_then(|stem| stem.to_str()).unwrap_or_default();
        let is_record = path.extension().is_some_and(|extension| extension == "json");
        let stamp = stem.strip_prefix(VERSUS_STEM).and_then(stamp_of).filter(|_| is_record);
        let Some(stamp) = stamp.map(str::to_owned) else { continue };
        if latest.as_ref().is_none_or(|(known, _)| *known < stamp) {
            latest = Some((stamp, path));
        }
    }
    Ok(latest.map(|(_, path)| path))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_latest_is_found_by_the_time_in_its_name() {
        let folder = tempfile::tempdir().unwrap();
        for name in [
            "versus_20261124_093000.json",
            "versus_20261125_010000.json",
            "versus_20261126_010000.md",
            "throughput_results_20261127_010000.json",
            "versus.json",
        ] {
            fs::write(folder.path().join(name), "{}").unwrap();
        }
        let latest = latest_versus(folder.path()).unwrap();
        assert_eq!(latest, Some(folder.path().join("versus_20261125_010000.json")));
        fs::remove_dir_all(folder.path()).unwrap();
        assert_eq!(latest_versus(folder.path()).unwrap(), None);
    }
}
