//! Merges several starts of one program into one run.

use prismq_record::{Histogram, Metric, RunRecord, Scenario, SuiteRecord, Validity};
use prismq_statistics::median;

/// All rounds of all starts together; the rest is the first start's. `None` of no starts.
#[must_use]
pub fn pool<'a>(starts: impl IntoIterator<Item = &'a RunRecord>) -> Option<RunRecord> {
    let mut starts = starts.into_iter();
    let mut pooled = starts.next()?.clone();
    for start in starts {
        pooled.ended_at = pooled.ended_at.max(start.ended_at);
        for suite in &start.suites {
            match pooled.suites.iter_mut().find(|known| known.suite == suite.suite) {
                Some(known) => add_suite(known, suite),
                None => pooled.suites.push(suite.clone()),
            }
        }
    }
    let names: Vec<&str> = pooled.suites.iter().map(|suite| suite.suite.as_str()).collect();
    pooled.missing.retain(|missing| !names.contains(&missing.as_str()));
    Some(pooled)
}

fn add_suite(pooled: &mut SuiteRecord, start: &SuiteRecord) {
    for scenario in &start.scenarios {
        match pooled.scenarios.iter_mut().find(|known| known.id == scenario.id) {
            Some(known) => add_scenario(known, scenario),
            None => pooled.scenarios.push(scenario.clone()),
        }
    }
}

fn add_scenario(pooled: &mut Scenario, start: &Scenario) {
    if let Some(reasons) = start.validity.reasons() {
        match &mut pooled.validity {
            Validity::Invalid { reasons: known } => known.extend_from_slice(reasons),
            other => *other = start.validity.clone(),
        }
    }
    for (name, histogram) in &start.histograms {
        // A distribution that cannot be merged is left out.
        match pooled.histograms.remove(name).map(|known| merged(&known, histogram)) {
            None => drop(pooled.histograms.insert(name.clone(), histogram.clone())),
            Some(Some(sum)) => drop(pooled.histograms.insert(name.clone(), sum)),
            Some(None) => {}
        }
    }
    for metric in &start.metrics {
        match pooled.metrics.iter_mut().find(|known| known.name == metric.name) {
            Some(known) => add_metric(known, metric),
            None => pooled.metrics.push(metric.clone()),
        }
    }
}

fn merged(known: &Histogram, more: &Histogram) -> Option<Histogram> {
    let mut sum = known.decode().ok()?;
    sum.add(more.decode().ok()?).ok()?;
    Histogram::encode(&sum, &known.unit).ok()
}

/// A figure that a start takes once is a round of the merged run, unless it must not differ at all: such counts
/// add up.
fn add_metric(pooled: &mut Metric, start: &Metric) {
    if pooled.exact_within == Some(0.0) {
        pooled.value = match (pooled.value, start.value) {
            (Some(known), Some(more)) => Some(known + more),
            (known, more) => known.or(more),
        };
        return;
    }
    let rounds = |metric: &Metric| match metric.samples.as_slice() {
        [] => Vec::from_iter(metric.value),
        samples => samples.to_vec(),
    };
    pooled.samples = [rounds(pooled), rounds(start)].concat();
    pooled.value = median(&pooled.samples);
}
