//! The noise of each metric, kept from runs of one program against itself in `results/noise/`, one file
//! for each machine, engine and profile. What is made of it is [`crate::comparison`]'s.

use std::fs;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use crate::comparison::{KnownNoise, Rules};
use crate::files::{FileError, write_whole};
use crate::fingerprint::identity;
use crate::record::RunRecord;

const FOLDER: &str = "noise";

/// What is kept for runs of this identity; nothing if nothing is.
///
/// # Errors
/// [`FileError`] if there is a file that cannot be read.
pub fn load(results: &Path, identity: &str) -> Result<KnownNoise, FileError> {
    let path = path(results, identity);
    match fs::read(&path) {
        Ok(bytes) => {
            serde_json::from_slice(&bytes).map_err(|source| FileError::NotARecord { path, source })
        }
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(KnownNoise::default()),
        Err(source) => Err(FileError::Read { path, source }),
    }
}

/// The usual rules, with the noise that is kept for runs like this one.
///
/// # Errors
/// As for [`load`].
pub fn rules(results: &Path, run: &RunRecord) -> Result<Rules, FileError> {
    let noise = match identity(run) {
        Some(own) => load(results, &own)?,
        None => KnownNoise::default(),
    };
    Ok(Rules { noise, ..Rules::default() })
}

/// Keeps more noise of this identity beside what is kept already.
///
/// # Errors
/// [`FileError`] if the file cannot be read or written; it is then as it was.
pub fn add(results: &Path, identity: &str, noise: KnownNoise) -> Result<PathBuf, FileError> {
    let mut known = load(results, identity)?;
    known.add(noise);
    let path = path(results, identity);
    let failed = |source| FileError::Write { path: path.clone(), source };
    let json = serde_json::to_vec_pretty(&known).map_err(|error| failed(error.into()))?;
    write_whole(&path, &json, true).map_err(failed)?;
    Ok(path)
}

fn path(results: &Path, identity: &str) -> PathBuf {
    results.join(FOLDER).join(format!("{identity}.json"))
}
