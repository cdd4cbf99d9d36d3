//! Criterion's own estimates of the benchmarks, read from its files for the report.
//!
//! Criterion's JSON is undocumented and may change at any time. So only what the report shows is read, unknown
//! fields are ignored, and what cannot be read is left out: nothing is judged by it. The figures of a run are
//! those of its records; running Criterion is the harness's business.

use std::fs;
use std::path::{Path, PathBuf};

use jiff::Timestamp;
use serde::Deserialize;
use serde::de::DeserializeOwned;

use crate::files::{bytes, parse};
use crate::record::{RunRecord, SuiteRecord};

/// How many folders lie between that of a group and that of a benchmark, at most: its function and its value.
const DEPTH: usize = 2;

/// How long the name of a folder may be.
const FOLDER_BYTES_MAX: usize = 64;

/// The most bytes of a file that are read; Criterion's estimates have some thousand.
const BYTES_MAX: u64 = 1 << 20;

/// A benchmark as Criterion estimates it.
#[derive(Debug, Clone, PartialEq)]
pub struct Benchmark {
    /// Its id, for example `latency/wake/in_process`.
    pub id: String,
    /// Its folder within Criterion's.
    pub folder: PathBuf,
    /// Mean time of an iteration, which here is a round, in nanoseconds.
    pub mean_ns: Estimate,
    /// Relative change of that mean since Criterion's own baseline, if it compared with one.
    pub change: Option<Estimate>,
}

/// A figure and its interval, at 95 % unless Criterion was configured otherwise.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Estimate {
    /// The figure.
    pub value: f64,
    /// Lower end of its interval.
    pub lower: f64,
    /// Upper end of its interval.
    pub upper: f64,
}

/// `benchmark.json`.
#[derive(Deserialize)]
struct Named {
    full_id: String,
}

/// `estimates.json`.
#[derive(Deserialize)]
struct Estimates {
    mean: Estimated,
}

#[derive(Deserialize)]
struct Estimated {
    point_estimate: f64,
    confidence_interval: Interval,
}

#[derive(Deserialize)]
struct Interval {
    lower_bound: f64,
    upper_bound: f64,
}

impl From<Estimates> for Estimate {
    fn from(estimates: Estimates) -> Self {
        let Estimated { point_estimate, confidence_interval } = estimates.mean;
        Self {
            value: point_estimate,
            lower: confidence_interval.lower_bound,
            upper: confidence_interval.upper_bound,
        }
    }
}

/// The name of Criterion's folder for a group, or for a benchmark in it.
#[must_use]
pub fn folder_of(name: &str) -> String {
    let mut folder = name.replace(['?', '"', '/', '\\', '*', '<', '>', ':', '|', '^'], "_");
    folder.truncate(folder.floor_char_boundary(FOLDER_BYTES_MAX));
    folder
}

/// The benchmarks that were measured while the suites of a run were, by id. Criterion keeps the latest
/// figures of each benchmark only: those of another run are not this one's.
#[must_use]
pub fn benchmarks(home: &Path, run: &RunRecord) -> Vec<Benchmark> {
    let mut found = Vec::new();
    let Ok(groups) = fs::read_dir(home) else { return found };
    let groups: Vec<_> = groups.flatten().map(|group| group.file_name()).collect();
    for suite in &run.suites {
        // A group for each scenario of the suite, or one for the suite.
        let of_suite = folder_of(&format!("{}/", suite.suite));
        for group in &groups {
            let name = group.to_string_lossy();
            if name == suite.suite.as_str() || name.starts_with(&of_suite) {
                collect(home, Path::new(group), DEPTH, suite, &mut found);
            }
        }
    }
    found.sort_by(|one, other| one.id.cmp(&other.id));
    found
}

fn collect(
    home: &Path,
    folder: &Path,
    depth: usize,
    suite: &SuiteRecord,
    found: &mut Vec<Benchmark>,
) {
    found.extend(benchmark(home, folder, suite));
    if depth == 0 {
        return;
    }
    let Ok(entries) = fs::read_dir(home.join(folder)) else { return };
    for entry in entries.flatten() {
        if entry.file_type().is_ok_and(|kind| kind.is_dir()) {
            collect(home, &folder.join(entry.file_name()), depth - 1, suite, found);
        }
    }
}

fn benchmark(home: &Path, folder: &Path, suite: &SuiteRecord) -> Option<Benchmark> {
    let place = home.join(folder);
    let mean: Estimates = of_run(&place.join("new/estimates.json"), suite)?;
    let id = of_run(&place.join("new/benchmark.json"), suite)
        .map_or_else(|| folder.display().to_string(), |named: Named| named.full_id);
    let change = of_run(&place.join("change/estimates.json"), suite);
    Some(Benchmark {
        id,
        folder: folder.to_owned(),
        mean_ns: mean.into(),
        change: change.map(|change: Estimates| change.into()),
    })
}

/// The content of a file that was written while the suite ran.
fn of_run<T: DeserializeOwned>(path: &Path, suite: &SuiteRecord) -> Option<T> {
    let written = fs::metadata(path).and_then(|metadata| metadata.modified()).ok()?;
    if !(suite.started_at..=suite.ended_at).contains(&Timestamp::try_from(written).ok()?) {
        return None;
    }
    parse(path, &bytes(path, BYTES_MAX).ok()?).ok()
}
