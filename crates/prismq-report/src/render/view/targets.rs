//! Targets and what became of them, as k6 shows its thresholds: grouped by what they are asked of.

use serde::Serialize;

use super::bracketed;
use crate::render::humanise::{number, quantity, spare};
use crate::targets::{Check, Outcome};

/// Targets of the scenarios of one name.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub(in super::super) struct TargetGroup {
    /// For example `throughput/drain`.
    pub(in super::super) name: String,
    pub(in super::super) targets: Vec<TargetView>,
}

#[derive(Debug, Clone, PartialEq, Serialize)]
pub(in super::super) struct TargetView {
    /// `PASS`, `FAIL` or `NO DATA`.
    pub(in super::super) mark: &'static str,
    /// What its scenario is told apart by, for example `workers=5`.
    pub(in super::super) parameters: String,
    /// What is asked, for example `p99_ms < 1000 ms`.
    pub(in super::super) expression: String,
    /// The figure with its interval, or why there is none.
    pub(in super::super) measured: String,
    /// How far from the bound, and whether chance could undo it: `2.1 % to spare, uncertain`.
    pub(in super::super) margin: String,
}

/// In the order of their file, invariants that hold as one line after all others.
pub(super) fn groups(checks: &[Check]) -> Vec<TargetGroup> {
    let mut groups: Vec<TargetGroup> = Vec::new();
    let (held, shown): (Vec<&Check>, Vec<&Check>) = checks.iter().partition(|check| is_held(check));
    for check in shown {
        let scenario = check.target.scenario.as_str();
        let (name, parameters) = scenario.rsplit_once('/').unwrap_or((scenario, ""));
        let target = view(check, parameters);
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
    check.target.invariant && matches!(check.outcome, Outcome::Met { .. })
}

fn all(held: usize) -> TargetView {
    TargetView {
        mark: "PASS",
        parameters: String::new(),
        expression: "invariants".to_owned(),
        measured: format!("{held} held"),
        margin: String::new(),
    }
}

fn view(check: &Check, parameters: &str) -> TargetView {
    let target = &check.target;
    let figure = |value: f64| match check.interval {
        Some(interval) => {
            format!("{} {}", number(value), bracketed(interval.lower, interval.upper))
        }
        None => number(value),
    };
    let (mark, measured, margin) = match &check.outcome {
        Outcome::Met { value, margin } => ("PASS", figure(*value), *margin),
        Outcome::Missed { value, margin } => ("FAIL", figure(*value), *margin),
        Outcome::NoData { reason } => ("NO DATA", format!("no data: {reason}"), None),
    };
    let bound = quantity(target.bound, &target.unit);
    TargetView {
        mark,
        parameters: parameters.to_owned(),
        expression: format!("{} {} {bound}", target.metric, target.operator),
        measured,
        margin: match (margin.map_or_else(String::new, spare), check.is_uncertain()) {
            (margin, false) => margin,
            (margin, true) if margin.is_empty() => "uncertain".to_owned(),
            (margin, true) => format!("{margin}, uncertain"),
        },
    }
}
