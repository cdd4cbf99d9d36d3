//! Rounds of the throughput suite's drain as one two-core machine recorded them: fourteen starts of
//! one program in the smoke profile, one after the other, in the last five of which the machine itself
//! was slower by up to a third.

use std::collections::BTreeMap;

use prismq_report::record::{Direction, RunRecord};
use serde::Deserialize;

use crate::sample;

#[derive(Deserialize)]
struct Rounds {
    direction: Direction,
    samples: Vec<f64>,
}

/// The starts, in their order; each is slower than recorded by this share.
pub(crate) fn starts(slower: f64) -> Vec<RunRecord> {
    let text = include_str!("fixtures/runs_of_one_program.json");
    let starts: Vec<BTreeMap<String, Rounds>> = serde_json::from_str(text).unwrap();
    starts.into_iter().map(|start| run(start, slower)).collect()
}

fn run(start: BTreeMap<String, Rounds>, slower: f64) -> RunRecord {
    let mut run = sample::run();
    run.suites.truncate(1);
    let metrics = start.into_iter().map(|(name, rounds)| {
        let samples = rounds.samples.iter().map(|rate| rate * (1.0 - slower)).collect();
        let mut metric = sample::metric(&name, samples);
        metric.direction = rounds.direction;
        metric
    });
    run.suites[0].scenarios[0].metrics = metrics.collect();
    run
}
