//! The noise of each metric: from runs of one program against itself, kept in `results/noise/`, one file
//! for each machine, engine and profile, and from the history of runs. What is made of it is
//! [`prismq_judge::comparison`]'s.

use std::collections::BTreeMap;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use prismq_judge::comparison::{KnownNoise, Rules, shift};
use prismq_record::RunRecord;
use prismq_record::files::{FileError, bytes, parse, write_whole};
use prismq_record::fingerprint::identity;
use prismq_record::history::{self, HistoryLine, HistoryMetric};

use crate::trend::series;

const FOLDER: &str = "noise";

/// Runs of the past that tell a metric's noise: what changed for good before them no longer does.
const RUNS: usize = 31;

/// The most bytes of a file that are read: some thousand A/A runs of a hundred metrics.
const NOISE_BYTES_MAX: u64 = 16 << 20;

/// What is kept for runs of this identity; nothing if nothing is.
///
/// # Errors
/// [`FileError`] if there is a file that cannot be read.
pub fn load(results: &Path, identity: &str) -> Result<KnownNoise, FileError> {
    let path = path(results, identity);
    match bytes(&path, NOISE_BYTES_MAX) {
        Ok(bytes) => parse(&path, &bytes),
        Err(FileError::Read { source, .. }) if source.kind() == ErrorKind::NotFound => {
            Ok(KnownNoise::default())
        }
        Err(error) => Err(error),
    }
}

/// The usual rules, with the noise that is known of runs like this one: what is kept, and how the
/// figures moved from run to run until it.
///
/// # Errors
/// [`FileError`] if what is kept, or the history, cannot be read.
pub fn rules(results: &Path, run: &RunRecord) -> Result<Rules, FileError> {
    let Some(own) = identity(run) else { return Ok(Rules::default()) };
    let mut noise = load(results, &own)?;
    let past = history::before(results, run)?;
    for series in series(&past.iter().collect::<Vec<_>>()) {
        if let Some((scenario, metric)) = series.metric.id.split_once(':') {
            let figures: Vec<f64> = series.values.iter().flatten().copied().collect();
            let latest = figures.get(figures.len().saturating_sub(RUNS)..).unwrap_or_default();
            noise.add_history(scenario, metric, latest);
        }
    }
    let latest = past.get(past.len().saturating_sub(RUNS)..).unwrap_or_default();
    for pair in latest.windows(2) {
        if let [one, next] = pair
            && let Some(shift) = between(one, next)
        {
            noise.add_shift(shift);
        }
    }
    Ok(Rules { noise, ..Rules::default() })
}

/// How much slower a run was than the one before it.
fn between(before: &HistoryLine, after: &HistoryLine) -> Option<f64> {
    let figures: BTreeMap<&str, &HistoryMetric> =
        before.metrics.iter().map(|metric| (metric.id.as_str(), metric)).collect();
    shift(after.metrics.iter().filter_map(|metric| {
        let old = figures.get(metric.id.as_str())?;
        let (scenario, _) = metric.id.split_once(':')?;
        Some((scenario, metric.direction, old.value, metric.value))
    }))
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
