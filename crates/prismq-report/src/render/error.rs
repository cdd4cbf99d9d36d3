//! Why a report could not be drawn.

use prismq_record::HistogramError;
use thiserror::Error;

/// Why a report could not be drawn.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum RenderError {
    /// A defect in a template of this crate.
    #[error("the report template is broken: {0}")]
    Template(#[from] minijinja::Error),
    /// The drawing library refused a chart.
    #[error("a chart of the report could not be drawn: {reason}")]
    Chart {
        /// Its message.
        reason: String,
    },
    /// A distribution of the record cannot be read.
    #[error("cannot read the histogram {name} of {scenario}: {source}")]
    Histogram {
        /// Id of the scenario.
        scenario: String,
        /// Name of the histogram.
        name: String,
        /// What is wrong with it.
        source: HistogramError,
    },
}
