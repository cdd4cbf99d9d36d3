//! The report as one page for a browser: nothing is loaded, nothing is sent, and what a record says can
//! never become markup.
//!
//! `select` finds what a picture is drawn from, `figures` asks the eleven questions, `chart` draws, and
//! `page` puts the pictures beside the words of the [`View`](super::View).

mod chart;
mod figures;
mod page;
mod select;

use std::collections::BTreeMap;
use std::path::PathBuf;

use jiff::Timestamp;

use super::RenderError;
use crate::record::RunRecord;
use crate::verdict::Verdict;

/// What a page is made from.
#[derive(Debug, Clone, Copy)]
pub struct Input<'a> {
    /// The run.
    pub run: &'a RunRecord,
    /// What it came to.
    pub verdict: &'a Verdict,
    /// The run it was compared with, to be drawn behind this one's.
    pub baseline: Option<&'a RunRecord>,
    /// Figures of runs on the same machine, this one's included, in any order.
    pub history: &'a [HistoryPoint],
    /// What the statistics found in the run's sweeps.
    pub analysis: Option<&'a Analysis>,
    /// The files that belong to the run, to be linked from a page that lies beside them.
    pub files: &'a [PathBuf],
}

impl<'a> Input<'a> {
    /// A run with its verdict and nothing else.
    #[must_use]
    pub const fn new(run: &'a RunRecord, verdict: &'a Verdict) -> Self {
        Self { run, verdict, baseline: None, history: &[], analysis: None, files: &[] }
    }
}

/// One figure of one run.
#[derive(Debug, Clone, PartialEq)]
pub struct HistoryPoint {
    /// When the run began.
    pub at: Timestamp,
    /// The commit it measured, where that is known.
    pub commit: Option<String>,
    /// Id of the scenario.
    pub scenario: String,
    /// Name of the metric.
    pub metric: String,
    /// The figure, in the metric's unit.
    pub value: f64,
}

/// Models fitted to sweeps. A sweep goes by what its scenarios' ids share, for example
/// `throughput/drain` for `throughput/drain/workers=5`.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Analysis {
    /// Throughput over workers, by sweep.
    pub scaling: BTreeMap<String, Scaling>,
    /// The load, in percent, from which on latency runs away, by sweep.
    pub knees: BTreeMap<String, f64>,
}

/// A fitted curve of throughput over workers.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Scaling {
    /// Points of the curve: workers and tasks a second, in order of workers.
    pub curve: Vec<(f64, f64)>,
    /// The number of workers with the greatest throughput, if the curve has a peak among those drawn.
    pub peak: Option<f64>,
}

/// The whole page.
///
/// # Errors
/// [`RenderError::Histogram`] if a distribution of a record is damaged.
pub fn html(input: &Input<'_>) -> Result<String, RenderError> {
    page::page(input)
}
