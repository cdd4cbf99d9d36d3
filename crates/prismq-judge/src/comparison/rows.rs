//! Pairs the metrics of two runs, and finds what makes a pair not comparable.

use prismq_record::fingerprint::fnv1a;
use prismq_record::{Direction, Metric, RunRecord, Scenario};
use prismq_statistics::Seed;

use super::evidence::Evidence;
use super::{Change, Row};

/// A row before its change is decided.
pub(super) struct Draft {
    /// The row; its change is decided already if the figures are not compared.
    pub(super) row: Row,
    /// The evidence for a change, if the figures are compared.
    pub(super) evidence: Option<Evidence>,
}

/// A draft for each metric that has a figure on either side, in the baseline's order; `evidence` weighs
/// a metric of a scenario on both sides.
pub(super) fn drafts(
    before: &RunRecord,
    after: &RunRecord,
    evidence: impl Fn(&Scenario, &Metric, &Metric, Seed) -> Evidence,
) -> Vec<Draft> {
    let mut drafts = Vec::new();
    for old in scenarios(before) {
        let new = scenarios(after).find(|new| new.id == old.id);
        for metric in &old.metrics {
            let other = new.and_then(|new| new.metric(&metric.name));
            let Some(mut draft) = draft(old, Some(metric), other, &evidence) else { continue };
            if let Some(reason) = new.and_then(|new| not_comparable(old, new, metric, other)) {
                draft.evidence = None;
                draft.row.change = Change::NotComparable { reason };
            }
            drafts.push(draft);
        }
    }
    for new in scenarios(after) {
        let old = scenarios(before).find(|old| old.id == new.id);
        for metric in &new.metrics {
            if old.is_none_or(|old| old.metric(&metric.name).is_none()) {
                drafts.extend(draft(new, None, Some(metric), &evidence));
            }
        }
    }
    drafts
}

pub(super) fn scenarios(run: &RunRecord) -> impl Iterator<Item = &Scenario> {
    run.suites.iter().flat_map(|suite| &suite.scenarios)
}

fn draft(
    scenario: &Scenario,
    old: Option<&Metric>,
    new: Option<&Metric>,
    evidence: &impl Fn(&Scenario, &Metric, &Metric, Seed) -> Evidence,
) -> Option<Draft> {
    let metric = old.or(new)?;
    let before = old.and_then(|old| old.value);
    let after = new.and_then(|new| new.value);
    let (change, evidence) = match (old.zip(new), before, after) {
        (_, None, None) => return None,
        (_, Some(_), None) => (Change::Missing, None),
        (_, None, Some(_)) | (None, _, _) => (Change::New, None),
        (Some((old, new)), Some(_), Some(_)) => {
            let evidence = evidence(scenario, old, new, seed(scenario, metric));
            (Change::Inconclusive, Some(evidence))
        }
    };
    let row = Row {
        scenario: scenario.id.clone(),
        metric: metric.name.clone(),
        unit: metric.unit.clone(),
        direction: metric.direction,
        before,
        after,
        delta: before.zip(after).and_then(|(before, after)| relative(before, after)),
        interval: None,
        floor: None,
        // The newer record decides: an older one may lack it.
        exact_within: new.unwrap_or(metric).exact_within,
        change,
    };
    Some(Draft { row, evidence })
}

fn relative(before: f64, after: f64) -> Option<f64> {
    (before != 0.0).then(|| (after - before) / before.abs())
}

/// A seed for each metric, so that the same records always give the same answer.
fn seed(scenario: &Scenario, metric: &Metric) -> Seed {
    Seed(fnv1a(scenario.id.bytes().chain([b':']).chain(metric.name.bytes())))
}

/// Why a metric of two scenarios of the same id cannot be compared.
fn not_comparable(
    old: &Scenario,
    new: &Scenario,
    metric: &Metric,
    other: Option<&Metric>,
) -> Option<String> {
    if old.parameters != new.parameters {
        return Some(difference(old, new));
    }
    for (scenario, which) in [(old, "the baseline's figures"), (new, "this run's figures")] {
        if let Some(reasons) = scenario.validity.reasons() {
            return Some(format!("{which} must not be used: {}", reasons.join("; ")));
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
