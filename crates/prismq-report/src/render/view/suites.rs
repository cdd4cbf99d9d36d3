//! Every figure of a suite: its scenarios side by side, and each figure with its interval and references.

use prismq_record::{Metric, Scenario, SuiteRecord};
use serde::Serialize;

use super::bracketed;
use crate::render::humanise::{number, quantity};

#[derive(Debug, Clone, PartialEq, Serialize)]
pub(in super::super) struct SuiteView {
    name: String,
    invalid: Vec<String>,
    /// Names of the scenarios, the columns of `metrics`.
    scenarios: Vec<String>,
    /// A row for each metric, a column for each scenario.
    metrics: Vec<(String, Vec<String>)>,
    details: Vec<ScenarioView>,
}

#[derive(Debug, Clone, PartialEq, Serialize)]
struct ScenarioView {
    name: String,
    model: &'static str,
    parameters: String,
    metrics: Vec<MetricView>,
}

#[derive(Debug, Clone, PartialEq, Serialize)]
struct MetricView {
    name: String,
    figure: String,
    interval: String,
    rounds: String,
    floors: String,
}

pub(super) fn view(suite: &SuiteRecord) -> SuiteView {
    let mut names: Vec<&str> = Vec::new();
    for metric in suite.scenarios.iter().flat_map(|scenario| &scenario.metrics) {
        if !names.contains(&metric.name.as_str()) {
            names.push(&metric.name);
        }
    }
    let cells = |name: &str| {
        let scenarios = suite.scenarios.iter();
        scenarios.map(|scenario| scenario.metric(name).map_or_else(String::new, figure)).collect()
    };
    SuiteView {
        name: suite.suite.clone(),
        invalid: suite.scenarios.iter().filter_map(invalid).collect(),
        scenarios: suite.scenarios.iter().map(|scenario| short_id(suite, scenario)).collect(),
        metrics: names.into_iter().map(|name| (name.to_owned(), cells(name))).collect(),
        details: suite.scenarios.iter().map(|scenario| details(suite, scenario)).collect(),
    }
}

/// The id without the suite, which is the heading.
fn short_id(suite: &SuiteRecord, scenario: &Scenario) -> String {
    let rest = scenario.id.strip_prefix(suite.suite.as_str()).and_then(|id| id.strip_prefix('/'));
    rest.unwrap_or(&scenario.id).to_owned()
}

fn invalid(scenario: &Scenario) -> Option<String> {
    let reasons = scenario.validity.reasons()?;
    Some(format!("{}: {}", scenario.id, reasons.join("; ")))
}

fn figure(metric: &Metric) -> String {
    match metric.value {
        Some(value) => quantity(value, &metric.unit),
        None => format!("– ({})", metric.reason.as_deref().unwrap_or("no reason given")),
    }
}

fn details(suite: &SuiteRecord, scenario: &Scenario) -> ScenarioView {
    use prismq_record::Model;
    let parameter = |(name, value): (&String, &serde_json::Value)| {
        let value = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
        format!("{name} = {value}")
    };
    ScenarioView {
        name: short_id(suite, scenario),
        model: match scenario.model {
            Some(Model::Closed) => "closed loop",
            Some(Model::Open) => "open loop",
            Some(Model::Backlog) => "backlog",
            Some(Model::Probe) => "probe",
            None => "",
        },
        parameters: scenario.parameters.iter().map(parameter).collect::<Vec<_>>().join(", "),
        metrics: scenario.metrics.iter().map(metric).collect(),
    }
}

fn metric(metric: &Metric) -> MetricView {
    let floors = metric.floors.iter().map(|floor| {
        let value = quantity(floor.value, &metric.unit);
        format!("{}: {value}, ratio {}×", floor.name, number(floor.ratio))
    });
    let interval = metric.interval.as_ref();
    let rounds = interval.map_or(metric.samples.len() as u64, |interval| interval.rounds);
    MetricView {
        name: metric.name.clone(),
        figure: figure(metric),
        interval: interval
            .map_or_else(String::new, |interval| bracketed(interval.lower, interval.upper)),
        rounds: if rounds > 0 { rounds.to_string() } else { String::new() },
        floors: floors.collect::<Vec<_>>().join("; "),
    }
}
