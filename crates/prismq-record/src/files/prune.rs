//! Removing records and reports of older runs from the results folder.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

use super::error::FileError;
use super::name::{REPORT_STEM, RUN_STEM, is_suite_stem, stamp_of};
use super::unread::run_id;

/// Where `ab` keeps a folder for each comparison.
const COMPARISONS: &str = "ab";

/// What was removed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Pruned {
    /// Runs whose records are gone.
    pub runs: usize,
    /// Their records and reports.
    pub files: usize,
    /// Folders of `ab`'s records.
    pub comparisons: usize,
    /// The size of all of it, in bytes.
    pub bytes: u64,
}

/// A record or report, by its name and its text.
struct Stamped {
    path: PathBuf,
    /// What its name begins with, for example `latency_results`.
    stem: String,
    stamp: String,
    /// The run a record names; a report names none.
    run_id: Option<String>,
}

/// Removes the records and reports of all but the `keep` latest runs, and the records of all but the `keep`
/// latest comparisons of `ab`. Baselines, noise and history stay, and so does every file that
/// is not named like a record or report.
///
/// # Errors
/// [`FileError`] if the folder cannot be read or a file in it cannot be removed.
pub fn prune(results: &Path, keep: usize) -> Result<Pruned, FileError> {
    let mut pruned = Pruned::default();
    let files = stamped_files(results)?;
    let mut begins: BTreeMap<&str, &str> = BTreeMap::new();
    for file in &files {
        if let Some(run) = &file.run_id {
            let begin = begins.entry(run).or_insert(&file.stamp);
            *begin = (*begin).min(&file.stamp);
        }
    }
    let mut runs: Vec<(&str, &str)> = begins.iter().map(|(run, begin)| (*begin, *run)).collect();
    runs.sort_unstable();
    let gone = runs.len().saturating_sub(keep);
    let (old, kept) = runs.split_at(gone);
    let Some((oldest_kept, _)) = kept.first() else { return Ok(pruned) };
    for file in &files {
        let is_old = match &file.run_id {
            Some(run) => old.iter().any(|(_, old)| old == run),
            // A report, or an unreadable record: the time in its name decides.
            None => gone > 0 && file.stamp.as_str() < *oldest_kept,
        };
        if is_old {
            let failed = |source| FileError::Write { path: file.path.clone(), source };
            pruned.bytes += fs::metadata(&file.path).map_err(failed)?.len();
            fs::remove_file(&file.path).map_err(failed)?;
            pruned.files += 1;
        }
    }
    pruned.runs = gone;
    prune_comparisons(&results.join(COMPARISONS), keep, &mut pruned)?;
    Ok(pruned)
}

fn prune_comparisons(folder: &Path, keep: usize, pruned: &mut Pruned) -> Result<(), FileError> {
    let named = |path: &PathBuf| {
        let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
        path.is_dir() && name.get(..15).is_some_and(|stamp| stamp_of(stamp).is_some())
    };
    let mut folders: Vec<PathBuf> = entries(folder)?.into_iter().filter(named).collect();
    folders.sort();
    folders.truncate(folders.len().saturating_sub(keep));
    for folder in folders {
        pruned.bytes += size(&folder)?;
        fs::remove_dir_all(&folder)
            .map_err(|source| FileError::Write { path: folder.clone(), source })?;
        pruned.comparisons += 1;
    }
    Ok(())
}

fn stamped_files(results: &Path) -> Result<Vec<Stamped>, FileError> {
    let paths = entries(results)?;
    let mut files: Vec<Stamped> =
        paths.iter().filter(|path| path.is_file()).filter_map(|path| stamped(path)).collect();
    // A record that cannot be read is known by its name, which it shares with one that can.
    let of_records = files.iter().filter(|file| file.run_id.is_some());
    let suites: BTreeSet<String> = of_records.map(|file| file.stem.clone()).collect();
    files.retain(|file| {
        [RUN_STEM, REPORT_STEM].contains(&file.stem.as_str()) || suites.contains(&file.stem)
    });
    Ok(files)
}

/// A file that is named as a record or a report is.
fn stamped(path: &Path) -> Option<Stamped> {
    let name = path.file_stem().and_then(|name| name.to_str())?;
    let extension = path.extension().and_then(|extension| extension.to_str())?;
    let stamp = stamp_of(name)?;
    let stem = name.strip_suffix(stamp)?.strip_suffix('_')?;
    let is_record = extension == "json" && (stem == RUN_STEM || is_suite_stem(stem));
    let is_report = ["md", "html"].contains(&extension) && stem == REPORT_STEM;
    (is_record || is_report).then(|| Stamped {
        path: path.to_owned(),
        stem: stem.to_owned(),
        stamp: stamp.to_owned(),
        run_id: if is_record { run_id(path) } else { None },
    })
}

/// The entries of a folder; empty if it does not exist.
fn entries(folder: &Path) -> Result<Vec<PathBuf>, FileError> {
    let failed = |source| FileError::Read { path: folder.to_owned(), source };
    let entries = match fs::read_dir(folder) {
        Ok(entries) => entries,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(source) => return Err(failed(source)),
    };
    entries.map(|entry| Ok(entry.map_err(failed)?.path())).collect()
}

/// The size of all files below a folder, links not followed.
fn size(folder: &Path) -> Result<u64, FileError> {
    let mut bytes = 0;
    for path in entries(folder)? {
        let failed = |source| FileError::Read { path: path.clone(), source };
        let metadata = fs::symlink_metadata(&path).map_err(failed)?;
        bytes += if metadata.is_dir() { size(&path)? } else { metadata.len() };
    }
    Ok(bytes)
}
