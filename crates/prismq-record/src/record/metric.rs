//! One figure with its unit and the direction that is better.

use serde::{Deserialize, Serialize};

/// A value, or the reason why it is missing: `{"value": 4}` or `{"value": null, "reason": "..."}`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Known<T> {
    /// The value, where it could be determined.
    pub value: Option<T>,
    /// Why it could not.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
}

impl<T> Known<T> {
    /// A value that was determined.
    #[must_use]
    pub const fn value(value: T) -> Self {
        Self { value: Some(value), reason: None }
    }

    /// A value that could not be determined, and why.
    #[must_use]
    pub fn unknown(reason: impl Into<String>) -> Self {
        Self { value: None, reason: Some(reason.into()) }
    }
}

impl<T> Default for Known<T> {
    /// A fact that the record's version does not have.
    fn default() -> Self {
        Self::unknown("not recorded")
    }
}

impl<T, E: std::fmt::Display> From<Result<T, E>> for Known<T> {
    fn from(result: Result<T, E>) -> Self {
        match result {
            Ok(value) => Self::value(value),
            Err(error) => Self::unknown(error.to_string()),
        }
    }
}

/// Which way a metric gets better.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum Direction {
    /// Smaller is better.
    Lower,
    /// Larger is better.
    Higher,
}

/// One figure of a scenario.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Metric {
    /// Name with its unit as suffix, for example `p99_ms`.
    pub name: String,
    /// Unit, for example `ms` or `tasks/s`.
    pub unit: String,
    /// The figure: the median of `samples` where there are several, and of a quantile that of all tasks
    /// since 1.2.
    pub value: Option<f64>,
    /// Why the value is missing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// Which way is better.
    pub direction: Direction,
    /// The figure of each repetition, in the order they were run; empty where it was taken once.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub samples: Vec<f64>,
    /// How far the rounds leave the figure open: their spread, unless its method says more; since 1.1.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub interval: Option<ConfidenceInterval>,
    /// References measured in the same rounds: what the machine can do at most, and other engines; since 1.1.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub floors: Vec<Floor>,
    /// By which share two runs' figures may differ and count as equal, where nothing but the program moves
    /// them: 0.01 of instructions that were counted, 0 of tasks lost. Absent where chance moves them; since
    /// 1.2.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub exact_within: Option<f64>,
}

/// An interval around a figure.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct ConfidenceInterval {
    /// The confidence, for example 0.95.
    pub level: f64,
    /// Its lower end, in the metric's unit.
    pub lower: f64,
    /// Its upper end.
    pub upper: f64,
    /// How it was found, for example `block bootstrap over rounds`.
    pub method: String,
    /// How many repetitions it rests on.
    pub rounds: u64,
}

/// What the disk, raw SQLite or another engine reached at the same work in the same rounds.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Floor {
    /// What was measured: `disk`, `sqlite`, `pooled`, `mutex`, `threads` or `plain`.
    pub name: String,
    /// The figure, in the metric's unit.
    pub value: f64,
    /// The metric's value over the floor's: the median of the rounds' ratios.
    pub ratio: f64,
    /// How far the rounds leave the ratio open, where there are enough of them; since 1.4.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub interval: Option<ConfidenceInterval>,
    /// Whether it is an upper bound: a ratio above 1 is then a fault of the reference; since 1.4.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub upper_bound: bool,
}

impl Floor {
    /// Whether it is an upper bound that was exceeded, beyond chance where that is known: it is then wrong, and so
    /// are ratios to it.
    #[must_use]
    pub fn is_beaten(&self) -> bool {
        let least = self.interval.as_ref().map_or(self.ratio, |interval| interval.lower);
        self.upper_bound && least > 1.0
    }
}
