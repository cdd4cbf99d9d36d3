//! Baselines: combined records kept under a name in `results/baselines/`.
//!
//! When a run becomes one is `prismq-report`'s to decide, comparing is `prismq-judge`'s.

use std::fs;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use thiserror::Error;

use crate::files::{FileError, json, read_run, write_whole};
use crate::record::RunRecord;

const FOLDER: &str = "baselines";
const NAME_MAX: usize = 64;

/// Why a baseline could not be kept or found.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum BaselineError {
    /// The name cannot be a file's.
    #[error(
        "{name:?} cannot name a baseline: use up to {NAME_MAX} letters, digits, '-', '_' and '.', \
         not beginning with '.'"
    )]
    Name {
        /// The name.
        name: String,
    },
    /// A baseline of this name exists already.
    #[error("baseline {name:?} exists already: choose another name, or replace it with --force")]
    Exists {
        /// The name.
        name: String,
    },
    /// No baseline has this name.
    #[error("there is no baseline {name:?}; {}", existing(known))]
    Unknown {
        /// The name.
        name: String,
        /// The names of the existing ones.
        known: Vec<String>,
    },
    /// Its file could not be read or written.
    #[error(transparent)]
    File(#[from] FileError),
}

fn existing(known: &[String]) -> String {
    if known.is_empty() {
        "none exists yet".to_owned()
    } else {
        format!("existing ones are {}", known.join(", "))
    }
}

/// Keeps a run under a name.
///
/// # Errors
/// [`BaselineError::Exists`] if the name is taken and `replace` was not asked for.
pub fn save(
    results: &Path,
    name: &str,
    run: &RunRecord,
    replace: bool,
) -> Result<PathBuf, BaselineError> {
    let path = path(results, name)?;
    match write_whole(&path, json(run)?.as_bytes(), replace) {
        Ok(()) => Ok(path),
        Err(error) if error.kind() == ErrorKind::AlreadyExists => {
            Err(BaselineError::Exists { name: name.to_owned() })
        }
        Err(source) => Err(FileError::Write { path, source }.into()),
    }
}

/// The run kept under a name.
///
/// # Errors
/// [`BaselineError::Unknown`] lists the existing ones.
pub fn load(results: &Path, name: &str) -> Result<RunRecord, BaselineError> {
    if !exists(results, name)? {
        let (name, known) = (name.to_owned(), list(results)?);
        return Err(BaselineError::Unknown { name, known });
    }
    Ok(read_run(&path(results, name)?)?)
}

/// Whether a run is kept under this name.
///
/// # Errors
/// [`BaselineError::Name`], and [`BaselineError::File`] where the folder may not be searched.
pub fn exists(results: &Path, name: &str) -> Result<bool, BaselineError> {
    let path = path(results, name)?;
    path.try_exists().map_err(|source| FileError::Read { path, source }.into())
}

/// Removes the run kept under a name.
///
/// # Errors
/// [`BaselineError::Unknown`] lists the existing ones.
pub fn remove(results: &Path, name: &str) -> Result<(), BaselineError> {
    let path = path(results, name)?;
    match fs::remove_file(&path) {
        Ok(()) => Ok(()),
        Err(error) if error.kind() == ErrorKind::NotFound => {
            let (name, known) = (name.to_owned(), list(results)?);
            Err(BaselineError::Unknown { name, known })
        }
        Err(source) => Err(FileError::Write { path, source }.into()),
    }
}

/// The names of all baselines, sorted.
///
/// # Errors
/// [`BaselineError::File`] if the folder cannot be read.
pub fn list(results: &Path) -> Result<Vec<String>, BaselineError> {
    let folder = results.join(FOLDER);
    let entries = match fs::read_dir(&folder) {
        Ok(entries) => entries,
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(Vec::new()),
        Err(source) => return Err(FileError::Read { path: folder, source }.into()),
    };
    let mut names = Vec::new();
    for entry in entries {
        let failed = |source| FileError::Read { path: folder.clone(), source };
        let file = entry.map_err(failed)?.file_name();
        names.extend(file.to_str().and_then(|file| file.strip_suffix(".json")).map(str::to_owned));
    }
    names.sort();
    Ok(names)
}

/// Checks that a baseline may have this name.
///
/// # Errors
/// [`BaselineError::Name`] if not.
pub fn check_name(name: &str) -> Result<(), BaselineError> {
    let allowed = |character: char| character.is_ascii_alphanumeric() || "-_.".contains(character);
    let sound = !name.is_empty()
        && name.len() <= NAME_MAX
        && !name.starts_with('.')
        && name.chars().all(allowed);
    if !sound {
        return Err(BaselineError::Name { name: name.to_owned() });
    }
    Ok(())
}

fn path(results: &Path, name: &str) -> Result<PathBuf, BaselineError> {
    check_name(name)?;
    Ok(results.join(FOLDER).join(format!("{name}.json")))
}
