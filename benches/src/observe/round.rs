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
    /// Why it must not be used, if it must not.
    pub faults: Vec<String>,
    /// Which share of the intended rate was offered, where there was one.
    pub achieved: Option<f64>,
    /// Median latency of its first and last thirds in seconds, where it was to be steady.
    pub thirds: Option<(f64, f64)>,
    /// Whether its latencies were steady, where that was measured.
    pub steady: Option<bool>,
    /// What the disk or SQLite did in the same round, beside one of its readings.
    pub floors: Vec<Beside>,
    /// What happened in it and when.
    pub course: record::Round,
}

/// A floor beside a reading.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Beside {
    /// The metric that was read.
    pub spec: Spec,
    /// What the floor is a figure of: `disk`, `sqlite` or `pooled`.
    pub floor: &'static str,
    /// The floor, in the metric's unit.
    pub value: f64,
}

impl Round {
    /// With a floor beside the reading of a metric.
    #[must_use]
    pub fn beside(mut self, spec: Spec, floor: &'static str, value: f64) -> Self {
        self.floors.push(Beside { spec, floor, value });
        self
    }

    /// What it read of a metric.
    #[must_use]
    pub fn reading(&self, spec: Spec) -> Option<f64> {
        let reading = self.readings.iter().find(|reading| reading.spec == spec)?;
        Some(reading.value)
    }
}
