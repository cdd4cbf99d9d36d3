//! What one round of a scenario read, before it becomes part of a record.

use hdrhistogram::Histogram;
use prismq_record as record;

use crate::observe::metrics::{Reading, Spec};

/// What one round read.
#[derive(Debug, Clone, Default)]
pub struct Round {
    /// Its readings.
    pub readings: Vec<Reading>,
    /// Its distributions, in nanoseconds.
    pub histograms: Vec<(&'static str, Histogram<u64>)>,
    /// Reasons why it is invalid.
    pub faults: Vec<String>,
    /// Which share of the intended rate was offered, where there was one.
    pub achieved: Option<f64>,
    /// Median latency of its first and last thirds in seconds, where it was to be steady.
    pub thirds: Option<(f64, f64)>,
    /// Whether its latencies were steady, where that was measured.
    pub steady: Option<bool>,
    /// What the disk, SQLite or a yardstick did in the same round.
    pub references: Vec<Reference>,
    /// What happened in it and when.
    pub course: record::Round,
}

/// What a reading is compared with: what a reference did in the same round.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Reference {
    /// The metric that was read.
    pub spec: Spec,
    /// The reference: `disk`, `sqlite`, `pooled`, `mutex`, `threads` or `plain`.
    pub name: &'static str,
    /// Its figure, in the metric's unit.
    pub value: f64,
    /// Whether no subject can exceed it: if one does, the reference is wrong.
    pub upper_bound: bool,
}

impl Round {
    /// With a reference for the reading of a metric.
    #[must_use]
    pub fn with_reference(mut self, spec: Spec, name: &'static str, value: f64) -> Self {
        self.references.push(Reference { spec, name, value, upper_bound: false });
        self
    }

    /// With a reference for the reading of a metric that no subject can exceed.
    #[must_use]
    pub fn with_upper_bound(mut self, spec: Spec, name: &'static str, value: f64) -> Self {
        self.references.push(Reference { spec, name, value, upper_bound: true });
        self
    }

    /// What it read of a metric.
    #[must_use]
    pub fn reading(&self, spec: Spec) -> Option<f64> {
        let reading = self.readings.iter().find(|reading| reading.spec == spec)?;
        Some(reading.value)
    }
}
