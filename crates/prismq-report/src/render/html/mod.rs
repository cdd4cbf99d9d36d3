//! The report as one HTML page that loads nothing and sends nothing, and in which text of a record never becomes
//! markup.
//!
//! `select` finds the scenarios of a chart, `figures` builds the eleven figures, `chart` draws them, and `page`
//! combines them with the texts of the [`View`](super::View).

mod chart;
mod figures;
mod page;
mod select;

use std::path::PathBuf;

use jiff::Timestamp;
use prismq_judge::verdict::Verdict;
use prismq_record::RunRecord;
use prismq_record::criterion::Benchmark;
use prismq_record::history::HistoryLine;

use super::RenderError;

/// The data of a page.
#[derive(Debug, Clone, Copy)]
pub struct Input<'a> {
    /// The run.
    pub run: &'a RunRecord,
    /// Its verdict.
    pub verdict: &'a Verdict,
    /// The run it was compared with, which is drawn in the background.
    pub baseline: Option<&'a RunRecord>,
    /// Figures of runs on the same machine, this one's included, in any order.
    pub history: &'a [HistoryPoint],
    /// The files of the run, which a page in the same folder links to.
    pub files: &'a [PathBuf],
    /// Criterion's estimates of the run's benchmarks.
    pub criterion: &'a [Benchmark],
}

impl<'a> Input<'a> {
    /// A run with its verdict only.
    #[must_use]
    pub const fn new(run: &'a RunRecord, verdict: &'a Verdict) -> Self {
        Self { run, verdict, baseline: None, history: &[], files: &[], criterion: &[] }
    }
}

/// One figure of one run.
#[derive(Debug, Clone, PartialEq)]
pub struct HistoryPoint {
    /// When the run ended.
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

/// The figures of past runs, to be drawn as history.
#[must_use]
pub fn points(runs: &[HistoryLine]) -> Vec<HistoryPoint> {
    let of_run = |run: &HistoryLine| {
        let points = run.metrics.iter().filter_map(|metric| {
            let (scenario, name) = metric.id.split_once(':')?;
            Some(HistoryPoint {
                at: run.ended_at,
                commit: run.commit.clone(),
                scenario: scenario.to_owned(),
                metric: name.to_owned(),
                value: metric.value,
            })
        });
        points.collect::<Vec<_>>()
    };
    runs.iter().flat_map(of_run).collect()
}

/// The whole page.
///
/// # Errors
/// [`RenderError::Histogram`] if a distribution of a record is damaged.
pub fn html(input: &Input<'_>) -> Result<String, RenderError> {
    page::page(input)
}
