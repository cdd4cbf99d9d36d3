//! The verdict in the form of a combined record.

use prismq_record::{
    ComparedMetric, ComparisonRecord, ConfidenceInterval, RunRecord, Threshold, VerdictRecord,
};
use prismq_statistics::Bounds;

use super::Verdict;
use crate::comparison::{Change, Comparison, Row};
use crate::targets::{Check, FALSE_ALARMS, Outcome};

impl Verdict {
    /// The verdict on `run` for its combined record.
    #[must_use]
    pub fn record(&self, run: &RunRecord) -> VerdictRecord {
        VerdictRecord {
            status: self.status.word().to_owned(),
            invalid: self.invalid.clone(),
            inconclusive: self.inconclusive.clone(),
            faults: self.faults.clone(),
            not_measured: self.not_measured.clone(),
            thresholds: self.checks.iter().map(|check| threshold(check, run)).collect(),
            comparison: self.comparison.as_ref().map(comparison),
        }
    }
}

fn threshold(Check { target, outcome, interval }: &Check, run: &RunRecord) -> Threshold {
    let (word, observed, margin, reason) = match outcome {
        Outcome::Met { value, margin } => ("met", Some(*value), *margin, None),
        Outcome::Missed { value, margin } => ("missed", Some(*value), *margin, None),
        Outcome::Undecided { value, margin } => ("undecided", Some(*value), *margin, None),
        Outcome::NoData { reason } => ("no data", None, None, Some(reason.clone())),
        Outcome::NotMeasured { reason } => ("not measured", None, None, Some(reason.clone())),
    };
    let rounds = target.metric_of(run).map_or(0, |metric| metric.samples.len());
    Threshold {
        scenario: target.scenario.clone(),
        metric: target.metric.clone(),
        wanted: format!("{} {} {}", target.operator, target.bound, target.unit),
        observed,
        interval: interval.map(|bounds| decided_by(bounds, rounds)),
        ok: matches!(outcome, Outcome::Met { .. }),
        outcome: word.to_owned(),
        margin,
        reason,
    }
}

/// The interval in the form of the record.
fn decided_by(bounds: Bounds, rounds: usize) -> ConfidenceInterval {
    ConfidenceInterval {
        level: 1.0 - FALSE_ALARMS,
        lower: bounds.lower,
        upper: bounds.upper,
        method: "confidence sequence, together with all targets".to_owned(),
        rounds: rounds as u64,
    }
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
