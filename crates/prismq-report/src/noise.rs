//! The noise of each metric: from A/A runs, kept in `results/noise/` in one file for each machine, engine and
//! profile, and from the history of runs. It is used by [`prismq_judge::comparison`].

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

/// The latest runs that a metric's noise is computed from, so that older lasting changes are left out.
const RUNS: usize = 31;

/// The most bytes of a file that are read: some thousand A/A runs of a hundred metrics.
const NOISE_BYTES_MAX: u64 = 16 << 20;

/// The noise kept for runs of this identity; empty if there is no file.
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

/// The default rules, with the known noise of runs like this one: the kept noise, and the changes from run to run
/// in the history.
///
/// # Errors
/// [`FileError`] if the kept noise or the history cannot be read.
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

/// Adds noise of this identity to the kept noise.
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
