//! The noise of each metric, known from other runs.

use std::collections::BTreeMap;

use prismq_statistics::changes;
use serde::{Deserialize, Serialize};

/// Relative changes without a cause, by metric. Keeping them in a file is left to the caller.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct KnownNoise {
    /// By `scenario:metric`.
    metrics: BTreeMap<String, Changes>,
    /// How much slower each past run was than the one before it, all metrics together, as the logarithm of
    /// the ratio.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    shifts: Vec<f64>,
}

/// The changes known of one metric.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub(super) struct Changes {
    /// Between two starts of one program.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(super) control: Vec<f64>,
    /// From run to run in the past.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(super) history: Vec<f64>,
}

impl KnownNoise {
    /// Adds the change of a metric between two starts of one program.
    pub fn add_control(&mut self, scenario: &str, metric: &str, change: f64) {
        self.metrics.entry(key(scenario, metric)).or_default().control.push(change);
    }

    /// Adds the figures of a metric in past runs on this machine, the oldest first: the changes from
    /// each to the next. Most of them had no cause.
    pub fn add_history(&mut self, scenario: &str, metric: &str, figures: &[f64]) {
        self.metrics.entry(key(scenario, metric)).or_default().history.extend(changes(figures));
    }

    /// Adds how much slower a past run was than the one before it, as the logarithm of the ratio.
    pub fn add_shift(&mut self, shift: f64) {
        self.shifts.push(shift);
    }

    pub(super) fn shifts(&self) -> &[f64] {
        &self.shifts
    }

    /// Adds the changes of another.
    pub fn add(&mut self, other: Self) {
        self.shifts.extend(other.shifts);
        for (key, changes) in other.metrics {
            let known = self.metrics.entry(key).or_default();
            known.control.extend(changes.control);
            known.history.extend(changes.history);
        }
    }

    pub(super) fn of(&self, scenario: &str, metric: &str) -> Option<&Changes> {
        self.metrics.get(&key(scenario, metric))
    }
}

fn key(scenario: &str, metric: &str) -> String {
    format!("{scenario}:{metric}")
}
