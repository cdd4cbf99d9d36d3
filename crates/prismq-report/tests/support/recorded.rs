//! Rounds as two-core virtual machines recorded them, of one program each.

use std::collections::BTreeMap;

use prismq_record::{Direction, RunRecord, Scenario};
use serde::Deserialize;

use crate::support::sample;

#[derive(Deserialize)]
struct Rounds {
    direction: Direction,
    samples: Vec<f64>,
}

/// Fourteen starts of the throughput suite's drain in the smoke profile, one after the other, in the last
/// five of which the machine itself was slower by up to a third; each is slower than recorded by this
/// share.
pub(crate) fn smoke_starts(slower: f64) -> Vec<RunRecord> {
    runs(include_str!("../fixtures/runs_of_one_program.json"), slower)
}

/// Twenty starts of the throughput suite in the standard profile, one after the other, with nothing else
/// running: enqueue by ten callers, drains and the pipeline. Starts differ by as much as the rounds of each.
pub(crate) fn standard_starts(slower: f64) -> Vec<RunRecord> {
    runs(include_str!("../fixtures/standard_starts_of_one_program.json"), slower)
}

/// Five runs of the standard profile within half an hour, every metric of theirs that was measured in each
/// round. In one of them the claims next to a million paused tasks took 1.7 times as long in all ten rounds.
pub(crate) fn standard_runs(slower: f64) -> Vec<RunRecord> {
    runs(include_str!("../fixtures/standard_runs_of_one_program.json"), slower)
}

/// The same five runs, each scenario of theirs by itself.
pub(crate) fn standard_runs_by_scenario(slower: f64) -> Vec<RunRecord> {
    standard_runs(slower).into_iter().map(by_scenario).collect()
}

fn by_scenario(mut run: RunRecord) -> RunRecord {
    let all = run.suites[0].scenarios.remove(0);
    for mut metric in all.metrics.clone() {
        let (id, name) = metric.name.split_once(':').unwrap();
        let (id, name) = (id.to_owned(), name.to_owned());
        metric.name = name;
        let scenarios = &mut run.suites[0].scenarios;
        match scenarios.iter_mut().find(|scenario| scenario.id == id) {
            Some(scenario) => scenario.metrics.push(metric),
            None => scenarios.push(Scenario { id, metrics: vec![metric], ..all.clone() }),
        }
    }
    run
}

/// The rounds of every metric of the 25 runs of the standard profile, by metric: one entry a run.
pub(crate) fn standard_rounds() -> Vec<BTreeMap<String, Vec<Vec<f64>>>> {
    [
        include_str!("../fixtures/standard_runs_of_one_program.json"),
        include_str!("../fixtures/standard_starts_of_one_program.json"),
    ]
    .into_iter()
    .map(|text| {
        let runs: Vec<BTreeMap<String, Rounds>> = serde_json::from_str(text).unwrap();
        let mut by_metric: BTreeMap<String, Vec<Vec<f64>>> = BTreeMap::new();
        for (name, rounds) in runs.into_iter().flatten() {
            by_metric.entry(name).or_default().push(rounds.samples);
        }
        by_metric
    })
    .collect()
}

fn runs(text: &str, slower: f64) -> Vec<RunRecord> {
    let starts: Vec<BTreeMap<String, Rounds>> = serde_json::from_str(text).unwrap();
    starts.into_iter().map(|start| run(start, slower)).collect()
}

fn run(start: BTreeMap<String, Rounds>, slower: f64) -> RunRecord {
    let mut run = sample::run();
    run.suites.truncate(1);
    let metrics = start.into_iter().map(|(name, rounds)| {
        let worse = |figure: f64| match rounds.direction {
            Direction::Higher => figure * (1.0 - slower),
            Direction::Lower => figure / (1.0 - slower),
        };
        let samples = rounds.samples.iter().map(|figure| worse(*figure)).collect();
        let mut metric = sample::metric(&name, samples);
        metric.direction = rounds.direction;
        metric
    });
    run.suites[0].scenarios[0].metrics = metrics.collect();
    run
}
