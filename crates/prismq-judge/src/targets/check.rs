//! Checks a run against its targets.

use std::collections::BTreeSet;

use prismq_record::quantiles;
use prismq_record::{Metric, RunRecord, Scenario};
use prismq_statistics::Bounds;

use super::decision::{Answer, Level, Scale, decide, decide_estimate};
use super::{Kind, Operator, Target, TargetError};

/// A target and its outcome.
#[derive(Debug, Clone, PartialEq)]
pub struct Check {
    /// The target.
    pub target: Target,
    /// The outcome.
    pub outcome: Outcome,
    /// The interval of the true figure, by which it was decided, of a figure measured in several rounds.
    pub interval: Option<Bounds>,
}

impl Check {
    /// Whether the target is about correctness: an invariant, or a metric that is compared exactly.
    #[must_use]
    pub fn is_exact(&self, run: &RunRecord) -> bool {
        let metric = self.target.metric_of(run);
        self.target.kind == Kind::Invariant
            || self.target.operator == Operator::Equal
            || metric.is_some_and(|metric| metric.exact_within == Some(0.0))
    }
}

/// The outcome of a target.
#[derive(Debug, Clone, PartialEq)]
pub enum Outcome {
    /// The figure meets it, beyond chance where it was sampled.
    Met {
        /// The figure.
        value: f64,
        /// Its distance from the bound as a share of the bound, where that means something.
        margin: Option<f64>,
    },
    /// The figure misses it, beyond chance where it was sampled.
    Missed {
        /// The figure.
        value: f64,
        /// Its distance from the bound, negative, as a share of the bound.
        margin: Option<f64>,
    },
    /// The figure was sampled, and the rounds do not decide on which side of the bound the true one is.
    Undecided {
        /// The figure.
        value: f64,
        /// Its distance from the bound as a share of the bound, negative on the bad side.
        margin: Option<f64>,
    },
    /// Its scenario was measured, but has no figure for it.
    NoData {
        /// Why not.
        reason: String,
    },
    /// Its scenario was not measured in this run.
    NotMeasured {
        /// What was not measured.
        reason: String,
    },
}

/// Checks a run against every target that applies to it.
///
/// # Errors
/// [`TargetError::Target`] if a target's unit is not its metric's, or its suite is not one of the run's.
pub fn check(targets: &[Target], run: &RunRecord) -> Result<Vec<Check>, TargetError> {
    check_suites(targets, &suites(run))?;
    let goals = run.suites.iter().any(|suite| suite.goals);
    let applicable = applicable(targets, goals);
    let level = applicable.len();
    applicable
        .into_iter()
        .map(|target| match target.scenario_of(run) {
            Some(scenario) => check_one(target, scenario, level),
            None => Ok(not_measured(target, run)),
        })
        .collect()
}

/// Checks the targets of one scenario against the rounds measured so far, as the verdict will: `targets` are
/// those of the whole run, `goals` says whether goals apply to it, and `looks` of the scenario counts this
/// check.
///
/// # Errors
/// [`TargetError::Target`] if a target's unit is not its metric's.
pub fn check_scenario(
    targets: &[Target],
    goals: bool,
    scenario: &Scenario,
) -> Result<Vec<Check>, TargetError> {
    let applicable = applicable(targets, goals);
    let level = applicable.len();
    let own = applicable.into_iter().filter(|target| target.scenario == scenario.id);
    own.map(|target| check_one(target, scenario, level)).collect()
}

/// Refuses targets of suites that are not among these.
///
/// # Errors
/// [`TargetError::Target`] names the suites there are.
pub fn check_suites(targets: &[Target], suites: &[&str]) -> Result<(), TargetError> {
    let unknown = targets.iter().find(|target| !suites.contains(&target.suite()));
    unknown.map_or(Ok(()), |target| {
        Err(TargetError::Target {
            place: target.place.clone(),
            key: format!("{}:{}", target.scenario, target.metric),
            reason: format!(
                "there is no suite {:?}; the suites are {}",
                target.suite(),
                suites.join(", ")
            ),
        })
    })
}

/// The suites of a whole run, in the order they run.
fn suites(run: &RunRecord) -> Vec<&str> {
    let mut names: Vec<&str> = Vec::new();
    for suite in &run.suites {
        let of_run = suite.suites_of_run.iter().chain([&suite.suite]);
        names.extend(of_run.map(String::as_str));
    }
    names.extend(run.missing.iter().map(String::as_str));
    let mut seen = BTreeSet::new();
    names.retain(|name| seen.insert(*name));
    names
}

fn applicable(targets: &[Target], goals: bool) -> Vec<&Target> {
    targets.iter().filter(|target| goals || target.kind != Kind::Goal).collect()
}

fn not_measured(target: &Target, run: &RunRecord) -> Check {
    let suite = target.suite();
    let reason = if run.suites.iter().any(|record| record.suite == suite) {
        "the scenario was not run".to_owned()
    } else {
        format!("suite {suite} was not run")
    };
    Check { target: target.clone(), outcome: Outcome::NotMeasured { reason }, interval: None }
}

/// Checks one target of so many by the rounds of a scenario.
///
/// # Errors
/// [`TargetError::Target`] if its unit is not its metric's.
pub(crate) fn check_one(
    target: &Target,
    scenario: &Scenario,
    targets: usize,
) -> Result<Check, TargetError> {
    let no_data = |reason: &str| {
        let outcome = Outcome::NoData { reason: reason.to_owned() };
        Ok(Check { target: target.clone(), outcome, interval: None })
    };
    let Some(metric) = scenario.metric(&target.metric) else {
        return no_data("the scenario has no such metric");
    };
    if metric.unit != target.unit {
        return Err(TargetError::Target {
            place: target.place.clone(),
            key: format!("{}:{}", target.scenario, target.metric),
            reason: format!(
                "is in {:?}, but the metric is in {:?}: write the bound in that",
                target.unit, metric.unit
            ),
        });
    }
    let Some(value) = metric.value else {
        return no_data(metric.reason.as_deref().unwrap_or("the metric has no value"));
    };
    let level = Level { targets, looks: scenario.looks };
    // In records before 1.2 the figure is the typical round's.
    let value = quantiles::of_all(scenario, metric).unwrap_or(value);
    let (answer, interval) = match quantiles::estimate(scenario, metric) {
        Some(estimate) => decide_estimate(target, &estimate, Scale::Unit, level, value),
        None if quantiles::of_all(scenario, metric).is_some() => {
            decide(target, std::slice::from_ref(&value), level)
        }
        None => decide(target, figures(metric, &value), level),
    };
    let margin = target.operator.margin(value, target.bound);
    let outcome = match answer {
        Answer::Met => Outcome::Met { value, margin },
        Answer::Missed => Outcome::Missed { value, margin },
        Answer::Undecided => Outcome::Undecided { value, margin },
    };
    let interval = interval.map(|bounds| possible(bounds, figures(metric, &value)));
    Ok(Check { target: target.clone(), outcome, interval })
}

/// The part of an interval in which the figure can lie: one that no round had below 0 is not negative.
fn possible(bounds: Bounds, rounds: &[f64]) -> Bounds {
    if rounds.iter().any(|round| *round < 0.0) {
        return bounds;
    }
    Bounds { lower: bounds.lower.max(0.0), ..bounds }
}

/// The rounds of a metric; the figure alone where it was taken once.
fn figures<'a>(metric: &'a Metric, value: &'a f64) -> &'a [f64] {
    if metric.samples.is_empty() { std::slice::from_ref(value) } else { &metric.samples }
}
