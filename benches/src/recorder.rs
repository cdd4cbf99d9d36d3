//! Turns the rounds of a scenario into its part of the record.

use std::collections::BTreeMap;

use hdrhistogram::Histogram;
use prismq_report::fingerprint::config_hash;
use prismq_report::record::{self, Metric, Scenario, Validity};
use serde_json::Value;

use crate::error::{Error, Result};
use crate::metrics::{Reading, Spec};

/// What defines a scenario: its name and everything about its work.
#[derive(Debug, Clone, PartialEq)]
pub struct Case {
    /// The second part of the id, for example `drain`.
    pub scenario: &'static str,
    /// The third part, for example `workers=5`.
    pub parameter: String,
    /// All parameters of the work, those in the id among them.
    pub parameters: BTreeMap<String, Value>,
}

impl Case {
    /// A scenario that varies one parameter.
    #[must_use]
    pub fn new(scenario: &'static str, parameter: &str, value: usize) -> Self {
        let parameters = BTreeMap::from([(parameter.to_owned(), Value::from(value))]);
        Self { scenario, parameter: format!("{parameter}={value}"), parameters }
    }

    /// A scenario that comes in variants rather than sizes.
    #[must_use]
    pub fn variant(scenario: &'static str, variant: &str) -> Self {
        Self { scenario, parameter: variant.to_owned(), parameters: BTreeMap::new() }
    }

    /// With a further parameter that defines the work and stands in the id.
    #[must_use]
    pub fn and(mut self, parameter: &str, value: usize) -> Self {
        self.parameter = format!("{},{parameter}={value}", self.parameter);
        self.with(parameter, value)
    }

    /// With a further parameter that defines the work.
    #[must_use]
    pub fn with(mut self, name: &str, value: impl Into<Value>) -> Self {
        self.parameters.insert(name.to_owned(), value.into());
        self
    }

    /// Its id in a suite.
    #[must_use]
    pub fn id(&self, suite: &str) -> String {
        format!("{suite}/{}/{}", self.scenario, self.parameter)
    }
}

/// What one round read.
#[derive(Debug, Clone, Default)]
pub struct Round {
    /// Its readings.
    pub readings: Vec<Reading>,
    /// Its distributions, in nanoseconds.
    pub histograms: Vec<(&'static str, Histogram<u64>)>,
    /// Why it must not be used, if it must not.
    pub faults: Vec<String>,
}

/// Brings the rounds of a scenario together; `once` are figures that belong to no single round.
///
/// # Errors
/// [`Error::Histogram`] if the rounds' distributions cannot be merged or written.
pub fn scenario<'a>(
    suite: &str,
    case: Case,
    rounds: impl IntoIterator<Item = &'a Round>,
    once: Vec<Metric>,
) -> Result<Scenario> {
    let mut readings: Vec<(Spec, Vec<f64>)> = Vec::new();
    let mut merged: BTreeMap<&'static str, Histogram<u64>> = BTreeMap::new();
    let mut reasons: Vec<String> = Vec::new();
    for (index, round) in rounds.into_iter().enumerate() {
        for reading in &round.readings {
            match readings.iter_mut().find(|(spec, _)| *spec == reading.spec) {
                Some((_, samples)) => samples.push(reading.value),
                None => readings.push((reading.spec, vec![reading.value])),
            }
        }
        for (name, histogram) in &round.histograms {
            merge(&mut merged, name, histogram)?;
        }
        reasons.extend(round.faults.iter().map(|fault| format!("round {}: {fault}", index + 1)));
    }
    let mut metrics: Vec<Metric> =
        readings.into_iter().map(|(spec, samples)| spec.fold(samples)).collect();
    metrics.extend(once);
    let validity = if reasons.is_empty() { Validity::Valid } else { Validity::Invalid { reasons } };
    let id = case.id(suite);
    let histograms = encode(&merged)?;
    let config_hash = Some(config_hash(&case.parameters));
    Ok(Scenario {
        id,
        parameters: case.parameters,
        validity,
        metrics,
        histograms,
        model: None,
        config_hash,
        seed: None,
        rounds: Vec::new(),
        warnings: Vec::new(),
    })
}

fn merge(
    merged: &mut BTreeMap<&'static str, Histogram<u64>>,
    name: &'static str,
    histogram: &Histogram<u64>,
) -> Result<()> {
    match merged.get_mut(name) {
        Some(sum) => {
            sum.add(histogram).map_err(|error| Error::Histogram { name, reason: error.to_string() })
        }
        None => {
            merged.insert(name, histogram.clone());
            Ok(())
        }
    }
}

fn encode(
    merged: &BTreeMap<&'static str, Histogram<u64>>,
) -> Result<BTreeMap<String, record::Histogram>> {
    let mut encoded = BTreeMap::new();
    for (name, histogram) in merged {
        let histogram = record::Histogram::encode(histogram, "ns")
            .map_err(|error| Error::Histogram { name, reason: error.to_string() })?;
        encoded.insert((*name).to_owned(), histogram);
    }
    Ok(encoded)
}
