//! A run beside a baseline.
//!
//! Where a metric was measured several times its median has a confidence interval (see `interval`). A
//! change counts only if the intervals of both sides lie apart and the medians differ by at least
//! [`Rules::min_effect`]. A metric that was taken once can be seen to be unchanged, but its change is never
//! more than inconclusive. Only the same work on the same machine is compared, and only where both
//! sides can be trusted. What a change means for a run is [`crate::verdict`]'s.

mod interval;

use interval::median_interval;

use crate::fingerprint::identity;
use crate::record::{Direction, Metric, RunRecord, Scenario, Validity};

/// The smallest relative change that counts, unless [`Rules`] say otherwise.
pub const MIN_EFFECT: f64 = 0.05;

/// What a user may decide about a comparison.
#[derive(Debug, Clone, PartialEq)]
pub struct Rules {
    /// The smallest relative change that counts.
    pub min_effect: f64,
    /// Whether figures of different machines, engines or profiles are compared all the same.
    pub allow_env_mismatch: bool,
}

impl Default for Rules {
    fn default() -> Self {
        Self { min_effect: MIN_EFFECT, allow_env_mismatch: false }
    }
}

/// A run beside a baseline.
#[derive(Debug, Clone, PartialEq)]
pub struct Comparison {
    /// What the baseline is called.
    pub baseline: String,
    /// Why nothing can be compared, if nothing can.
    pub not_comparable: Option<String>,
    /// One row for each metric that has a figure on either side.
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
    /// The figures are not of the same work, or cannot be trusted.
    NotComparable {
        /// In what they differ, or why they cannot be trusted.
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

    /// Why it says nothing at all: a comparison without a single metric on both sides is no pass.
    #[must_use]
    pub fn says_nothing(&self) -> Option<String> {
        let compared = |row: &Row| {
            !matches!(row.change, Change::NotComparable { .. } | Change::Missing | Change::New)
        };
        match &self.not_comparable {
            Some(reason) => Some(reason.clone()),
            None if self.rows.iter().any(compared) => None,
            None => Some("no metric of one is comparable with the other's".to_owned()),
        }
    }
}

/// Compares a run with the baseline of this name.
#[must_use]
pub fn compare(name: &str, before: &RunRecord, after: &RunRecord) -> Comparison {
    compare_by(&Rules::default(), name, before, after)
}

/// The same by other rules.
#[must_use]
pub fn compare_by(rules: &Rules, name: &str, before: &RunRecord, after: &RunRecord) -> Comparison {
    let not_comparable = match (identity(before), identity(after)) {
        _ if rules.allow_env_mismatch => None,
        (Some(before), Some(after)) if before == after => None,
        (Some(before), Some(after)) => {
            Some(format!("machine, engine or profile differ: {before} then, {after} now"))
        }
        _ => Some("the suites of one run come from different machines, engines or profiles".into()),
    };
    let rows = if not_comparable.is_some() { Vec::new() } else { rows(before, after, rules) };
    Comparison { baseline: name.to_owned(), not_comparable, rows }
}

fn rows(before: &RunRecord, after: &RunRecord, rules: &Rules) -> Vec<Row> {
    let mut rows = Vec::new();
    for old in scenarios(before) {
        let new = scenarios(after).find(|new| new.id == old.id);
        for metric in &old.metrics {
            let other = new.and_then(|new| new.metric(&metric.name));
            let Some(mut row) = row(old, metric, (Some(metric), other), rules) else { continue };
            if let Some(reason) = new.and_then(|new| objection(old, new, metric, other)) {
                row.change = Change::NotComparable { reason };
            }
            rows.push(row);
        }
    }
    for new in scenarios(after) {
        let old = scenarios(before).find(|old| old.id == new.id);
        for metric in &new.metrics {
            if old.is_none_or(|old| old.metric(&metric.name).is_none()) {
                rows.extend(row(new, metric, (None, Some(metric)), rules));
            }
        }
    }
    rows
}

fn scenarios(run: &RunRecord) -> impl Iterator<Item = &Scenario> {
    run.suites.iter().flat_map(|suite| &suite.scenarios)
}

/// Why a metric of two scenarios of the same id cannot be compared.
fn objection(
    old: &Scenario,
    new: &Scenario,
    metric: &Metric,
    other: Option<&Metric>,
) -> Option<String> {
    if old.parameters != new.parameters {
        return Some(difference(old, new));
    }
    for (scenario, which) in [(old, "the baseline's figures"), (new, "this run's figures")] {
        if let Validity::Invalid { reasons } = &scenario.validity {
            return Some(format!("{which} are invalid: {}", reasons.join("; ")));
        }
    }
    let other = other?;
    if (&metric.unit, metric.direction) != (&other.unit, other.direction) {
        return Some(format!("was in {} then, is in {} now", sense(metric), sense(other)));
    }
    None
}

fn sense(metric: &Metric) -> String {
    let better = match metric.direction {
        Direction::Lower => "lower",
        Direction::Higher => "higher",
    };
    format!("{} ({better} is better)", metric.unit)
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

fn row(
    scenario: &Scenario,
    metric: &Metric,
    (old, new): (Option<&Metric>, Option<&Metric>),
    rules: &Rules,
) -> Option<Row> {
    let before = old.and_then(|old| old.value);
    let after = new.and_then(|new| new.value);
    let delta = match (before, after) {
        (Some(before), Some(after)) if before != 0.0 => Some((after - before) / before.abs()),
        _ => None,
    };
    let change = match (before, after) {
        (None, None) => return None,
        (Some(_), None) => Change::Missing,
        (None, Some(_)) => Change::New,
        (Some(before), Some(after)) => {
            changed(metric.direction, (before, samples(old)), (after, samples(new)), rules)
        }
    };
    Some(Row {
        scenario: scenario.id.clone(),
        metric: metric.name.clone(),
        unit: metric.unit.clone(),
        before,
        after,
        delta,
        change,
    })
}

fn samples(metric: Option<&Metric>) -> &[f64] {
    metric.map_or(&[], |metric| &metric.samples)
}

fn changed(
    direction: Direction,
    before: (f64, &[f64]),
    after: (f64, &[f64]),
    rules: &Rules,
) -> Change {
    let moved = (after.0 - before.0).abs();
    if moved < f64::EPSILON || moved < rules.min_effect * before.0.abs() {
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

#[cfg(test)]
mod tests {
    use super::*;

    fn one_to(count: u32) -> Vec<f64> {
        (1..=count).map(f64::from).collect()
    }

    #[test]
    fn a_change_counts_only_where_the_intervals_lie_apart() {
        let (slow, fast) = (one_to(10), [21.0; 10]);
        let change =
            |direction, before, after| changed(direction, before, after, &Rules::default());
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
