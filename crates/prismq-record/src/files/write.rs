//! Writing files: each appears whole or not at all, and never replaces another record.

use std::fs;
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

use jiff::{SignedDuration, Timestamp};
use serde::Serialize;
use serde::de::DeserializeOwned;

use super::error::FileError;
use super::name::{REPORT_STEM, RUN_STEM, stamped, suite_stem};
use crate::record::{RunRecord, SuiteRecord};

/// How many seconds the time in a name may be moved where files of the same second exist.
const COLLISIONS_MAX: i64 = 1000;

/// Writes the record of a suite.
///
/// # Errors
/// [`FileError::Write`]; nothing is then left behind.
pub fn write_suite(dir: &Path, record: &SuiteRecord) -> Result<PathBuf, FileError> {
    write_stamped(
        dir,
        &suite_stem(&record.suite),
        record.started_at,
        "json",
        json(record)?.as_bytes(),
    )
}

/// Writes the combined record of a run.
///
/// # Errors
/// [`FileError::Write`]; nothing is then left behind.
pub fn write_run(dir: &Path, record: &RunRecord) -> Result<PathBuf, FileError> {
    write_stamped(dir, RUN_STEM, record.started_at, "json", json(record)?.as_bytes())
}

/// Writes the report of a run that began at `started_at`, `extension` being its form.
///
/// # Errors
/// [`FileError::Write`]; nothing is then left behind.
pub fn write_report(
    dir: &Path,
    started_at: Timestamp,
    extension: &str,
    report: &str,
) -> Result<PathBuf, FileError> {
    write_stamped(dir, REPORT_STEM, started_at, extension, report.as_bytes())
}

/// Writes a file atomically: to a temporary file in the same folder, synced, then renamed. Unless it may `replace`, an existing
/// file is an error of kind `AlreadyExists`.
///
/// # Errors
/// The operating system's; nothing is then left behind.
pub fn write_whole(path: &Path, bytes: &[u8], replace: bool) -> io::Result<()> {
    let dir = path.parent().unwrap_or(Path::new("."));
    fs::create_dir_all(dir)?;
    let mut builder = tempfile::Builder::new();
    // Records are meant to be read by others, unlike most temporary files.
    #[cfg(unix)]
    builder.permissions(std::os::unix::fs::PermissionsExt::from_mode(0o644));
    let mut file = builder.tempfile_in(dir)?;
    file.write_all(bytes)?;
    file.as_file().sync_all()?;
    if replace {
        file.persist(path)?;
    } else {
        file.persist_noclobber(path)?;
    }
    Ok(())
}

pub(super) fn write_stamped(
    dir: &Path,
    stem: &str,
    at: Timestamp,
    extension: &str,
    bytes: &[u8],
) -> Result<PathBuf, FileError> {
    let mut seconds = 0;
    loop {
        let later = at.saturating_add(SignedDuration::from_secs(seconds)).unwrap_or(at);
        let path = dir.join(stamped(stem, later, extension));
        match write_whole(&path, bytes, false) {
            Ok(()) => return Ok(path),
            Err(error)
                if error.kind() == io::ErrorKind::AlreadyExists && seconds < COLLISIONS_MAX =>
            {
                seconds += 1;
            }
            Err(source) => return Err(FileError::Write { path, source }),
        }
    }
}

/// The JSON text of a record, checked to be readable again.
///
/// # Errors
/// [`FileError::Unwritable`] names a figure that is not finite, which JSON cannot say.
pub fn json<T: Serialize + DeserializeOwned>(record: &T) -> Result<String, FileError> {
    let unwritable = |place: String, source| FileError::Unwritable { place, source };
    let text = serde_json::to_string_pretty(record)
        .map_err(|source| unwritable(".".to_owned(), source))?;
    let mut reader = serde_json::Deserializer::from_str(&text);
    if let Err(error) = serde_path_to_error::deserialize::<_, T>(&mut reader) {
        return Err(unwritable(error.path().to_string(), error.into_inner()));
    }
    Ok(text + "\n")
}
