//! Suites, scenarios and metrics.

use std::collections::BTreeMap;

use prismq_record::*;

use super::at;
use super::chance::Chance;
use super::environment::environment;
use crate::support::sample::SUITES;

pub(super) fn suite(name: &str, scenarios: Vec<Scenario>) -> SuiteRecord {
    SuiteRecord {
        schema: SUITE_SCHEMA.to_owned(),
        schema_version: SCHEMA_VERSION.to_owned(),
        run_id: "01KAVA00000000000000000000".to_owned(),
        suite: name.to_owned(),
        started_at: at(0),
        ended_at: at(80),
        profile: "standard".to_owned(),
        engine: "prismq".to_owned(),
        argv: vec!["--bench".to_owned()],
        environment: environment(),
        suites_of_run: SUITES.map(str::to_owned).to_vec(),
        goals: true,
        scenarios,
    }
}

pub(super) fn scenario(id: &str, model: Model, metrics: Vec<Metric>) -> Scenario {
    let parameters = id.rsplit('/').next().unwrap().split(',').filter_map(|part| {
        let (name, value) = part.split_once('=')?;
        Some((name.to_owned(), value.into()))
    });
    Scenario {
        id: id.to_owned(),
        parameters: parameters.collect(),
        validity: Validity::Valid,
        metrics,
        histograms: BTreeMap::new(),
        model: Some(model),
        config_hash: None,
        seed: Some(7),
        rounds: Vec::new(),
        warnings: Vec::new(),
        looks: 1,
    }
}

/// A metric of ten rounds around a value.
pub(super) fn metric(
    name: &str,
    unit: &str,
    value: f64,
    better: Direction,
    chance: &mut Chance,
) -> Metric {
    let mut samples: Vec<f64> = (0..10).map(|_| value * chance.near(0.06)).collect();
    let taken = samples.clone();
    samples.sort_by(f64::total_cmp);
    let several = value != 0.0;
    Metric {
        name: name.to_owned(),
        unit: unit.to_owned(),
        value: Some(if several { f64::midpoint(samples[4], samples[5]) } else { 0.0 }),
        reason: None,
        direction: better,
        samples: if several { taken } else { Vec::new() },
        interval: several.then(|| ConfidenceInterval {
            level: 0.95,
            lower: samples[1],
            upper: samples[8],
            method: "order statistics of the median".to_owned(),
            rounds: 10,
        }),
        floors: Vec::new(),
        exact_within: None,
    }
}
