//! Exports a run to the formats of other programs: benchmark trackers, spreadsheets, plotters of distributions,
//! and CI servers. One format a file; the command decides where they are written.
//!
//! Trackers cannot mark a figure as invalid, so invalid scenarios and metrics without a figure are left out for
//! them. The CSV has all of them.

mod annotations;
mod bmf;
mod csv;
mod gha;
mod hgrm;
mod junit;
mod summary;

pub use annotations::annotations;
pub use bmf::bmf;
pub use csv::csv;
pub use gha::gha;
pub use hgrm::{Distribution, hgrm};
pub use junit::junit;
pub use summary::{SUMMARY_BYTES_MAX, cut};

use prismq_judge::targets::{Check, Outcome, Target};
use prismq_record::{HistogramError, Metric, RunRecord, Scenario, Validity};
use serde::Serialize;
use thiserror::Error;

/// Why a run could not be exported.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum ExportError {
    /// A distribution in the record is damaged.
    #[error("{histogram} of {scenario}: {source}; run `prismq-report validate` on the record")]
    Histogram {
        /// Id of the scenario.
        scenario: String,
        /// Name of the histogram.
        histogram: String,
        /// What is wrong with it.
        source: HistogramError,
    },
    /// The run has nothing to export.
    #[error("run {run} has no {what} to export")]
    Nothing {
        /// The run.
        run: String,
        /// What it has none of.
        what: &'static str,
    },
    /// Several files cannot be written to one output.
    #[error("{count} {what} need {count} files: name their folder with `-o FOLDER`")]
    Several {
        /// How many there are.
        count: usize,
        /// Of what.
        what: &'static str,
    },
    /// The writer of the format refused.
    #[error("cannot write {format}: {reason}")]
    Format {
        /// The format.
        format: &'static str,
        /// Its reason.
        reason: String,
    },
}

fn scenarios(run: &RunRecord) -> impl Iterator<Item = &Scenario> {
    run.suites.iter().flat_map(|suite| &suite.scenarios)
}

/// The figures of valid scenarios, each with its scenario.
fn valid_figures(run: &RunRecord) -> impl Iterator<Item = (&Scenario, &Metric, f64)> {
    let valid = scenarios(run).filter(|scenario| scenario.validity == Validity::Valid);
    let metrics = valid.flat_map(|scenario| scenario.metrics.iter().map(move |of| (scenario, of)));
    metrics.filter_map(|(scenario, metric)| Some((scenario, metric, metric.value?)))
}

fn name(target: &Target) -> String {
    format!("{}:{}", target.scenario, target.metric)
}

/// The outcome of a target, in a sentence without its name.
fn sentence(Check { target, outcome, .. }: &Check) -> String {
    let Target { operator, bound, unit, .. } = target;
    match outcome {
        Outcome::Met { value, margin } => {
            let margin = margin.map(|margin| format!(", {:.1} % to spare", margin * 100.0));
            format!(
                "{value} {unit}, wanted {operator} {bound} {unit}{}",
                margin.unwrap_or_default()
            )
        }
        Outcome::Missed { value, margin } => {
            let margin = margin.map(|margin| format!(", {:.1} % off", -margin * 100.0));
            format!(
                "{value} {unit}, wanted {operator} {bound} {unit}{}",
                margin.unwrap_or_default()
            )
        }
        Outcome::Undecided { value, .. } => {
            format!("{value} {unit}, wanted {operator} {bound} {unit}: the rounds do not decide it")
        }
        Outcome::NotMeasured { reason } => {
            format!("not measured, wanted {operator} {bound} {unit}: {reason}")
        }
        Outcome::NoData { reason } => {
            format!("no figure, wanted {operator} {bound} {unit}: {reason}")
        }
    }
}

fn json(format: &'static str, value: &impl Serialize) -> Result<String, ExportError> {
    let text = serde_json::to_string_pretty(value)
        .map_err(|error| ExportError::Format { format, reason: error.to_string() })?;
    Ok(text + "\n")
}
