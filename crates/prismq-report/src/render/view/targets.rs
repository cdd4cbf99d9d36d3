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
    /// `MET`, `MISSED`, `UNDECIDED` or `NO DATA`.
    pub(in super::super) mark: &'static str,
    /// What its scenario is told apart by, for example `workers=5`.
    pub(in super::super) parameters: String,
    /// What is asked, for example `p99_ms < 1000 ms`.
    pub(in super::super) expression: String,
    /// The figure with its interval, or why there is none.
    pub(in super::super) measured: String,
    /// How far from the bound: `2.1 % to spare`.
    pub(in super::super) margin: String,
}

/// The targets of what was measured.
pub(super) fn groups(checks: &[Check]) -> Vec<TargetGroup> {
    let mut groups: Vec<TargetGroup> = Vec::new();
    let measured = |check: &&Check| !matches!(check.outcome, Outcome::NotMeasured { .. });
    for check in checks.iter().filter(measured) {
        let scenario = check.target.scenario.as_str();
        let (name, parameters) = scenario.rsplit_once('/').unwrap_or((scenario, ""));
        let target = view(check, parameters);
        match groups.iter_mut().find(|group| group.name == name) {
            Some(group) => group.targets.push(target),
            None => groups.push(TargetGroup { name: name.to_owned(), targets: vec![target] }),
        }
    }
    groups
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
        Outcome::Met { value, margin } => ("MET", figure(*value), *margin),
        Outcome::Missed { value, margin } => ("MISSED", figure(*value), *margin),
        Outcome::Undecided { value, margin } => ("UNDECIDED", figure(*value), *margin),
        Outcome::NoData { reason } | Outcome::NotMeasured { reason } => {
            ("NO DATA", format!("no data: {reason}"), None)
        }
    };
    let bound = quantity(target.bound, &target.unit);
    TargetView {
        mark,
        parameters: parameters.to_owned(),
        expression: format!("{} {} {bound}", target.metric, target.operator),
        measured,
        margin: margin.map_or_else(String::new, spare),
    }
}
