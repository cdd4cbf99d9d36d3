//! The verdict as it stands in a combined record.

use super::Verdict;
use crate::comparison::{Change, Comparison, Row};
use crate::record::{
    ComparedMetric, ComparisonRecord, ConfidenceInterval, Metric, RunRecord, Threshold,
    VerdictRecord,
};
use crate::statistics::Bounds;
use crate::targets::{Check, Outcome};

impl Verdict {
    /// The verdict on `run` in the words of its record.
    #[must_use]
    pub fn record(&self, run: &RunRecord) -> VerdictRecord {
        VerdictRecord {
            status: self.status.word().to_owned(),
            invalid: self.invalid.clone(),
            inconclusive: self.inconclusive.clone(),
            thresholds: self.checks.iter().map(|check| threshold(check, run)).collect(),
            comparison: self.comparison.as_ref().map(comparison),
        }
    }
}

fn threshold(Check { target, outcome, interval }: &Check, run: &RunRecord) -> Threshold {
    let (ok, observed, margin, reason) = match outcome {
        Outcome::Met { value, margin } => (true, Some(*value), *margin, None),
        Outcome::Missed { value, margin } => (false, Some(*value), *margin, None),
        Outcome::NoData { reason } => (false, None, None, Some(reason.clone())),
    };
    Threshold {
        scenario: target.scenario.clone(),
        metric: target.metric.clone(),
        wanted: format!("{} {} {}", target.operator, target.bound, target.unit),
        observed,
        interval: interval
            .zip(target.metric_of(run))
            .map(|(bounds, metric)| recorded(bounds, metric)),
        ok,
        margin,
        reason,
    }
}

/// The interval in the record's words: the metric's own, else that of its rounds.
fn recorded(bounds: Bounds, metric: &Metric) -> ConfidenceInterval {
    metric.interval.clone().unwrap_or_else(|| ConfidenceInterval {
        level: 0.95,
        lower: bounds.lower,
        upper: bounds.upper,
        method: "order statistics of the median".to_owned(),
        rounds: metric.samples.len() as u64,
    })
}

fn comparison(comparison: &Comparison) -> ComparisonRecord {
    ComparisonRecord {
        baseline: comparison.baseline.clone(),
        not_comparable: comparison.not_comparable.clone(),
        metrics: comparison.rows.iter().map(metric).collect(),
    }
}

fn metric(row: &Row) -> ComparedMetric {
    let (verdict, reason) = match &row.change {
        Change::Improved => ("improved", None),
        Change::Regressed => ("regressed", None),
        Change::Unchanged => ("unchanged", None),
        Change::Inconclusive => ("inconclusive", None),
        Change::NotComparable { reason } => ("not comparable", Some(reason.clone())),
        Change::Missing => ("missing", None),
        Change::New => ("new", None),
    };
    ComparedMetric {
        scenario: row.scenario.clone(),
        metric: row.metric.clone(),
        before: row.before,
        after: row.after,
        delta: row.delta,
        delta_lower: row.interval.map(|interval| interval.lower),
        delta_upper: row.interval.map(|interval| interval.upper),
        noise_floor: row.floor.map(|floor| floor.change),
        verdict: verdict.to_owned(),
        reason,
    }
}
