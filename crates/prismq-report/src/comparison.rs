//! A run beside a baseline.
//!
//! Each metric was measured several times; its median has a confidence interval from the order
//! statistics of those samples, which assumes nothing about their distribution (Conover, *Practical
//! Nonparametric Statistics*, 3rd ed., section 3.2). A change counts only if the intervals of both
//! sides lie apart and the medians differ by at least [`MIN_EFFECT`]. A metric that was taken once can
//! be seen to be unchanged, but its change is never more than inconclusive.

use crate::fingerprint::identity;
use crate::record::{Direction, Metric, RunRecord, Scenario};

/// The smallest relative change that counts.
pub const MIN_EFFECT: f64 = 0.05;
/// The confidence that an interval must reach.
const CONFIDENCE: f64 = 0.95;

/// A run beside a baseline.
#[derive(Debug, Clone, PartialEq)]
pub struct Comparison {
    /// What the baseline is called.
    pub baseline: String,
    /// Why nothing can be compared, if nothing can.
    pub not_comparable: Option<String>,
    /// One row for each metric on either side.
    pub rows: Vec<Row>,
}

/// One metric on both sides.
#[derive(Debug, Clone, PartialEq)]
pub struct Row {
    /// Id of the scenario.
    pub scenario: String,
    /// Name of the metric.
    pub metric: String,
    /// Unit of the figures.
    pub unit: String,
    /// The baseline's figure.
    pub before: Option<f64>,
    /// This run's figure.
    pub after: Option<f64>,
    /// Relative change, where the baseline is not zero.
    pub delta: Option<f64>,
    /// What it comes to.
    pub change: Change,
}

/// What became of a metric since the baseline.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Change {
    /// Better beyond doubt.
    Improved,
    /// Worse beyond doubt.
    Regressed,
    /// The same, as far as it matters.
    Unchanged,
    /// It moved, but the samples do not rule out chance.
    Inconclusive,
    /// The scenarios are not the same work.
    NotComparable {
        /// In what they differ.
        reason: String,
    },
    /// The baseline has a figure, this run has none.
    Missing,
    /// This run has a figure, the baseline has none.
    New,
}

impl Comparison {
    /// How many rows are of this kind.
    #[must_use]
    pub fn count(&self, change: &Change) -> usize {
        self.rows.iter().filter(|row| row.change == *change).count()
    }

    /// Whether a metric is worse beyond doubt.
    #[must_use]
    pub fn has_regression(&self) -> bool {
        self.count(&Change::Regressed) > 0
    }
}

/// Compares a run with the baseline of this name.
#[must_use]
pub fn compare(name: &str, before: &RunRecord, after: &RunRecord) -> Comparison {
    let not_comparable = match (identity(before), identity(after)) {
        (Some(before), Some(after)) if before == after => None,
        (Some(before), Some(after)) => {
            Some(format!("machine, engine or profile differ: {before} then, {after} now"))
        }
        _ => Some("the suites of one run come from different machines, engines or profiles".into()),
    };
    let rows = if not_comparable.is_some() { Vec::new() } else { rows(before, after) };
    Comparison { baseline: name.to_owned(), not_comparable, rows }
}

fn rows(before: &RunRecord, after: &RunRecord) -> Vec<Row> {
    let mut rows = Vec::new();
    for old in scenarios(before) {
        let new = scenarios(after).find(|new| new.id == old.id);
        for metric in &old.metrics {
            let other = new.and_then(|new| new.metric(&metric.name));
            let mut row = row(old, metric, Some(metric), other);
            if let Some(new) = new.filter(|new| new.parameters != old.parameters) {
                row.change = Change::NotComparable { reason: difference(old, new) };
            }
            rows.push(row);
        }
    }
    for new in scenarios(after) {
        let old = scenarios(before).find(|old| old.id == new.id);
        for metric in &new.metrics {
            if old.is_none_or(|old| old.metric(&metric.name).is_none()) {
                rows.push(row(new, metric, None, Some(metric)));
            }
        }
    }
    rows
}

fn scenarios(run: &RunRecord) -> impl Iterator<Item = &Scenario> {
    run.suites.iter().flat_map(|suite| &suite.scenarios)
}

fn difference(old: &Scenario, new: &Scenario) -> String {
    let names = old.parameters.keys().chain(new.parameters.keys());
    let mut differing: Vec<&str> = names
        .filter(|name| old.parameters.get(*name) != new.parameters.get(*name))
        .map(String::as_str)
        .collect();
    differing.sort_unstable();
    differing.dedup();
    format!("parameters differ: {}", differing.join(", "))
}

fn row(scenario: &Scenario, metric: &Metric, old: Option<&Metric>, new: Option<&Metric>) -> Row {
    let before = old.and_then(|old| old.value);
    let after = new.and_then(|new| new.value);
    let delta = match (before, after) {
        (Some(before), Some(after)) if before != 0.0 => Some((after - before) / before.abs()),
        _ => None,
    };
    let change = match (before, after) {
        (None, None) => Change::Unchanged,
        (Some(_), None) => Change::Missing,
        (None, Some(_)) => Change::New,
        (Some(before), Some(after)) => {
            changed(metric.direction, (before, samples(old)), (after, samples(new)))
        }
    };
    Row {
        scenario: scenario.id.clone(),
        metric: metric.name.clone(),
        unit: metric.unit.clone(),
        before,
        after,
        delta,
        change,
    }
}

fn samples(metric: Option<&Metric>) -> &[f64] {
    metric.map_or(&[], |metric| &metric.samples)
}

fn changed(direction: Direction, before: (f64, &[f64]), after: (f64, &[f64])) -> Change {
    let moved = (after.0 - before.0).abs();
    if moved < f64::EPSILON || moved < MIN_EFFECT * before.0.abs() {
        return Change::Unchanged;
    }
    let (Some(old), Some(new)) = (median_interval(before.1), median_interval(after.1)) else {
        return Change::Inconclusive;
    };
    let (higher, lower) = (new.0 > old.1, new.1 < old.0);
    match (direction, higher, lower) {
        (_, false, false) => Change::Inconclusive,
        (Direction::Higher, true, _) | (Direction::Lower, false, true) => Change::Improved,
        (Direction::Higher, false, true) | (Direction::Lower, true, _) => Change::Regressed,
    }
}

/// The narrowest interval between order statistics that holds the median with [`CONFIDENCE`]; `None`
/// for fewer than six samples, which reach it with no interval.
fn median_interval(samples: &[f64]) -> Option<(f64, f64)> {
    let mut sorted = samples.to_vec();
    sorted.sort_by(f64::total_cmp);
    let count = sorted.len();
    // The chance that at most `outside` samples of `count` lie below the median is a binomial one.
    let mut outside = 0;
    let mut term = 0.5_f64.powi(i32::try_from(count).ok()?);
    let mut tail = term;
    if 1.0 - 2.0 * tail < CONFIDENCE {
        return None;
    }
    loop {
        term *= (count - outside) as f64 / (outside + 1) as f64;
        tail += term;
        if 1.0 - 2.0 * tail < CONFIDENCE {
            break;
        }
        outside += 1;
    }
    Some((*sorted.get(outside)?, *sorted.get(count - 1 - outside)?))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn one_to(count: u32) -> Vec<f64> {
        (1..=count).map(f64::from).collect()
    }

    #[test]
    fn intervals_of_the_median_are_those_of_the_tables() {
        assert_eq!(median_interval(&one_to(5)), None);
        assert_eq!(median_interval(&one_to(6)), Some((1.0, 6.0)));
        assert_eq!(median_interval(&one_to(10)), Some((2.0, 9.0)));
        assert_eq!(median_interval(&one_to(20)), Some((6.0, 15.0)));
    }

    #[test]
    fn a_change_counts_only_where_the_intervals_lie_apart() {
        let (slow, fast) = (one_to(10), [21.0; 10]);
        let change = |direction, before, after| changed(direction, before, after);
        let (old, new) = ((5.5, &slow[..]), (21.0, &fast[..]));
        assert_eq!(change(Direction::Higher, old, new), Change::Improved);
        assert_eq!(change(Direction::Lower, old, new), Change::Regressed);
        assert_eq!(change(Direction::Higher, new, old), Change::Regressed);
        assert_eq!(change(Direction::Higher, old, (8.5, &[8.5; 10])), Change::Inconclusive);
        assert_eq!(change(Direction::Higher, old, (5.6, &[5.6; 10])), Change::Unchanged);
        assert_eq!(change(Direction::Higher, (5.5, &[]), (21.0, &[])), Change::Inconclusive);
        assert_eq!(change(Direction::Lower, (0.0, &[]), (0.0, &[])), Change::Unchanged);
        assert_eq!(change(Direction::Lower, (0.0, &[]), (1.0, &[])), Change::Inconclusive);
    }
}
