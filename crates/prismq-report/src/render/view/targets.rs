//! Targets that are met, grouped by scenario as k6 groups its thresholds.

use prismq_judge::targets::{Check, Kind, Outcome};
use serde::Serialize;

use super::bracketed;
use crate::render::humanise::{number, quantity, spare};

/// The targets of one scenario with different parameters.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub(in super::super) struct TargetGroup {
    /// For example `throughput/drain`.
    name: String,
    targets: Vec<TargetView>,
}

#[derive(Debug, Clone, PartialEq, Serialize)]
struct TargetView {
    /// The parameters of its scenario, for example `workers=5`.
    parameters: String,
    /// Metric and bound, for example `p99_ms < 1000 ms`.
    expression: String,
    /// The figure with its interval.
    measured: String,
    /// How far from the bound: `2.1 % to spare`.
    margin: String,
}

/// The targets that are met, in the order of their file; invariants that hold as one line after all others.
pub(super) fn met(checks: &[Check]) -> Vec<TargetGroup> {
    let mut groups: Vec<TargetGroup> = Vec::new();
    let (held, shown): (Vec<&Check>, Vec<&Check>) = checks.iter().partition(|check| is_held(check));
    for check in shown {
        let Outcome::Met { value, margin } = &check.outcome else { continue };
        let scenario = check.target.scenario.as_str();
        let (name, parameters) = scenario.rsplit_once('/').unwrap_or((scenario, ""));
        let target = view(check, parameters, *value, *margin);
        match groups.iter_mut().find(|group| group.name == name) {
            Some(group) => group.targets.push(target),
            None => groups.push(TargetGroup { name: name.to_owned(), targets: vec![target] }),
        }
    }
    if !held.is_empty() {
        groups.push(TargetGroup { name: "invariants".to_owned(), targets: vec![all(held.len())] });
    }
    groups
}

/// Whether a check is of an invariant that holds.
pub(super) fn is_held(check: &Check) -> bool {
    check.target.kind == Kind::Invariant && matches!(check.outcome, Outcome::Met { .. })
}

fn all(held: usize) -> TargetView {
    TargetView {
        parameters: String::new(),
        expression: "invariants".to_owned(),
        measured: format!("{held} held"),
        margin: String::new(),
    }
}

fn view(check: &Check, parameters: &str, value: f64, margin: Option<f64>) -> TargetView {
    let target = &check.target;
    let interval = check.interval.map(|interval| bracketed(interval.lower, interval.upper));
    let bound = quantity(target.bound, &target.unit);
    TargetView {
        parameters: parameters.to_owned(),
        expression: format!("{} {} {bound}", target.metric, target.operator),
        measured: match interval {
            Some(interval) => format!("{} {interval}", number(value)),
            None => number(value),
        },
        margin: margin.map_or_else(String::new, spare),
    }
}
