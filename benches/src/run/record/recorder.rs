//! Turns the rounds of a scenario into its part of the record.

use std::collections::BTreeMap;

use hdrhistogram::Histogram;
use prismq_record::fingerprint::config_hash;
use prismq_record::quantiles;
use prismq_record::{self as record, Floor, Metric, Scenario, Validity};

use crate::base::error::{Error, Result};
use crate::observe::metrics::{Spec, interval, median};
use crate::observe::round::{Reference, Round};
use crate::observe::steadiness;
use crate::observe::validity;
use crate::run::record::case::Case;

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
    let rounds: Vec<&Round> = rounds.into_iter().collect();
    let mut readings: Vec<(Spec, Vec<f64>)> = Vec::new();
    let mut merged: BTreeMap<&'static str, Histogram<u64>> = BTreeMap::new();
    for round in &rounds {
        for reading in &round.readings {
            match readings.iter_mut().find(|(spec, _)| *spec == reading.spec) {
                Some((_, samples)) => samples.push(reading.value),
                None => readings.push((reading.spec, vec![reading.value])),
            }
        }
        for (name, histogram) in &round.histograms {
            merge(&mut merged, name, histogram)?;
        }
    }
    let mut metrics: Vec<Metric> = readings
        .into_iter()
        .map(|(spec, samples)| Metric { floors: floors(&rounds, spec), ..spec.fold(samples) })
        .collect();
    metrics.extend(once);
    let achieved: Vec<f64> = rounds.iter().filter_map(|round| round.achieved).collect();
    let under_offered = validity::under_offered(&achieved).filter(|_| !case.overload);
    let objections = under_offered.into_iter().chain(objections(&case, &merged)).collect();
    let thirds: Vec<(f64, f64)> = rounds.iter().filter_map(|round| round.thirds).collect();
    let warnings =
        validity::held_up(&achieved).into_iter().chain(validity::drift(&thirds)).collect();
    let config_hash = Some(config_hash(&case.parameters));
    let mut scenario = Scenario {
        id: case.id(suite),
        parameters: case.parameters,
        validity: Validity::Valid,
        metrics,
        histograms: encode(&merged)?,
        model: case.model,
        config_hash,
        seed: case.seed,
        rounds: courses(&rounds),
        warnings,
        looks: 1,
    };
    scenario.validity = judged(faults(&rounds), objections, scenario.is_mostly_disturbed());
    quantiles::settle(&mut scenario);
    let steady: Vec<bool> = rounds.iter().filter_map(|round| round.steady).collect();
    if let Some(reason) = steadiness::never_steady(&steady) {
        // Last, as the distributions of unsteady rounds have quantiles all the same.
        steadiness::withhold(&mut scenario.metrics, &reason);
    }
    Ok(scenario)
}

/// Whether figures may be used, by what went wrong in rounds and by what the load was not. The latter says nothing about
/// the program where others used the machine meanwhile.
fn judged(faults: Vec<String>, objections: Vec<String>, is_disturbed: bool) -> Validity {
    match (faults.is_empty(), objections.is_empty()) {
        (true, true) => Validity::Valid,
        (true, false) if is_disturbed => Validity::Disturbed { reasons: objections },
        _ => Validity::Invalid { reasons: [faults, objections].concat() },
    }
}

/// Enters what went wrong in the round that was discarded: its figures do not count, its faults do.
pub fn object(scenario: &mut Scenario, faults_of_discarded: &[String]) {
    let faults = faults_of_discarded.iter().map(|text| format!("the discarded round: {text}"));
    let faults: Vec<String> = faults.collect();
    match &mut scenario.validity {
        _ if faults.is_empty() => {}
        Validity::Invalid { reasons } => reasons.extend(faults),
        Validity::Valid => scenario.validity = Validity::Invalid { reasons: faults },
        Validity::Disturbed { reasons } => {
            scenario.validity = Validity::Invalid { reasons: [faults, reasons.clone()].concat() };
        }
    }
}

/// What must not be in any round, with the round's number.
fn faults(rounds: &[&Round]) -> Vec<String> {
    let numbers = rounds.iter().zip(1..);
    numbers
        .flat_map(|(round, number)| {
            round.faults.iter().map(move |text| format!("round {number}: {text}"))
        })
        .collect()
}

/// Why the rounds together are not what they claim to be. The generator must be on time in every load that has
/// latencies, whoever planned it.
fn objections(case: &Case, merged: &BTreeMap<&'static str, Histogram<u64>>) -> Vec<String> {
    if case.untimed {
        return Vec::new();
    }
    let too_few = case.claims.iter().filter_map(|(name, quantile)| {
        let histogram = merged.get(name)?;
        validity::too_few(name, histogram, *quantile)
    });
    let lagging = merged
        .get("generator_lag")
        .zip(merged.get("end_to_end"))
        .and_then(|(lag, end_to_end)| validity::lagging(lag, end_to_end));
    too_few.chain(lagging).collect()
}

/// The references of a metric, which the record calls floors: each the median of its rounds, and so is its ratio.
fn floors(rounds: &[&Round], spec: Spec) -> Vec<Floor> {
    let mut found: Vec<(Reference, Vec<f64>, Vec<f64>)> = Vec::new();
    for round in rounds {
        let Some(reading) = round.reading(spec) else { continue };
        for floor in round.references.iter().filter(|floor| floor.spec == spec && floor.value > 0.0)
        {
            let ratio = reading / floor.value;
            match found.iter_mut().find(|(first, ..)| first.name == floor.name) {
                Some((_, values, ratios)) => {
                    values.push(floor.value);
                    ratios.push(ratio);
                }
                None => found.push((*floor, vec![floor.value], vec![ratio])),
            }
        }
    }
    let floor = |(first, values, ratios): (Reference, Vec<f64>, Vec<f64>)| {
        Some(Floor {
            name: first.name.to_owned(),
            value: median(&values)?,
            ratio: median(&ratios)?,
            interval: interval(&ratios),
            upper_bound: first.upper_bound,
        })
    };
    found.into_iter().filter_map(floor).collect()
}

/// The rounds over time, numbered; none where no round has a course.
fn courses(rounds: &[&Round]) -> Vec<record::Round> {
    let any = rounds.iter().any(|round| round.course != record::Round::default());
    let numbers = rounds.iter().zip(0..);
    let course = |(round, index): (&&Round, u64)| record::Round { index, ..round.course.clone() };
    numbers.filter(|_| any).map(course).collect()
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
