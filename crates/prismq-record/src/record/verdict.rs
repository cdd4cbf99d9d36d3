//! The verdict on a run, as the combined record keeps it. It is decided by `prismq-judge`.

use serde::{Deserialize, Serialize};

use super::ConfidenceInterval;

/// The verdict on a run.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct VerdictRecord {
    /// `PASS`, `PARTIAL`, `FAIL`, `REGRESSION`, `INCONCLUSIVE` or `INVALID`.
    pub status: String,
    /// Why figures are missing or cannot be trusted.
    pub invalid: Vec<String>,
    /// What is inconclusive, where that was asked to count.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub inconclusive: Vec<String>,
    /// What is wrong with the measurement itself, so that some of its figures must not be used; since 1.4.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub faults: Vec<String>,
    /// What was not measured; since 1.2.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub not_measured: Vec<String>,
    /// Every target.
    pub thresholds: Vec<Threshold>,
    /// The comparison with a baseline.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub comparison: Option<ComparisonRecord>,
}

/// A target and its outcome.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Threshold {
    /// Id of the scenario.
    pub scenario: String,
    /// Name of the metric.
    pub metric: String,
    /// Operator, bound and unit, for example `< 1000 ms`.
    pub wanted: String,
    /// The figure, in the unit of `wanted`; null if there was none.
    pub observed: Option<f64>,
    /// The interval of the true figure, by which it was decided.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub interval: Option<ConfidenceInterval>,
    /// Whether it was met; a target without a figure, or one that is undecided, never is.
    pub ok: bool,
    /// `met`, `missed`, `undecided`, `no data` or `not measured`; since 1.2.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub outcome: String,
    /// Distance from the bound on the good side, as a share of the bound.
    pub margin: Option<f64>,
    /// Why there was no figure.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
}

/// A comparison with a baseline.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct ComparisonRecord {
    /// The baseline's name.
    pub baseline: String,
    /// Why nothing was comparable, if nothing was.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub not_comparable: Option<String>,
    /// Metrics that have a figure on either side.
    pub metrics: Vec<ComparedMetric>,
}

/// A metric on both sides.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct ComparedMetric {
    /// Id of the scenario.
    pub scenario: String,
    /// Name of the metric.
    pub metric: String,
    /// The baseline's figure.
    pub before: Option<f64>,
    /// This run's.
    pub after: Option<f64>,
    /// Relative change.
    pub delta: Option<f64>,
    /// Lower end of its 95 % interval.
    pub delta_lower: Option<f64>,
    /// Upper end of the same.
    pub delta_upper: Option<f64>,
    /// The smallest change that is more than noise.
    pub noise_floor: Option<f64>,
    /// `improved`, `regressed`, `unchanged`, `inconclusive`, `not comparable`, `missing` or `new`.
    pub verdict: String,
    /// Why it is not comparable.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
}
