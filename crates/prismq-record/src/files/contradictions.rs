//! Finds what contradicts itself in a scenario, so that no figure is ambiguous.

use std::collections::HashSet;

use prismq_statistics::{Bounds, median_interval};

use crate::fingerprint::config_hash;
use crate::quantiles;
use crate::record::{ConfidenceInterval, Metric, Scenario};

/// How far figures that were computed from each other may differ, as a share: by rounding alone.
const ROUNDING: f64 = 1e-9;

/// The first contradiction in a scenario.
pub(super) fn contradiction(scenario: &Scenario) -> Option<String> {
    let mut names = HashSet::new();
    if let Some(metric) = scenario.metrics.iter().find(|metric| !names.insert(&metric.name)) {
        return Some(format!("metric {} occurs twice", metric.name));
    }
    if let Some(recorded) = &scenario.config_hash {
        let found = config_hash(&scenario.parameters);
        if *recorded != found {
            return Some(format!("its config_hash is {recorded}, its parameters hash to {found}"));
        }
    }
    scenario.metrics.iter().find_map(|metric| {
        let reason = in_metric(scenario, metric)?;
        Some(format!("metric {}: {reason}", metric.name))
    })
}

fn in_metric(scenario: &Scenario, metric: &Metric) -> Option<String> {
    let value = metric.value?;
    value_of_samples(scenario, metric, value)
        .or_else(|| interval(metric, metric.interval.as_ref()?, value))
}

/// A figure is the median of its rounds or, of a quantile, that of all tasks.
fn value_of_samples(scenario: &Scenario, metric: &Metric, value: f64) -> Option<String> {
    let medians = medians(&metric.samples);
    if medians.is_none_or(|medians| within(medians, value)) && !metric.samples.is_empty() {
        return None;
    }
    match (quantiles::of_all(scenario, metric), medians) {
        (Some(quantile), _) if within(Bounds { lower: quantile, upper: quantile }, value) => None,
        (Some(quantile), _) => {
            Some(format!("its value is {value}, its distribution has {quantile}"))
        }
        (None, Some(Bounds { lower, upper })) => Some(format!(
            "its value is {value}, the median of its samples lies from {lower} to {upper}"
        )),
        (None, None) => None,
    }
}

fn interval(metric: &Metric, recorded: &ConfidenceInterval, value: f64) -> Option<String> {
    let ConfidenceInterval { lower, upper, .. } = *recorded;
    if !within(Bounds { lower, upper }, value) {
        return Some(format!("its value is {value}, its interval from {lower} to {upper}"));
    }
    // Other intervals are computed from data that the record does not hold.
    if !recorded.method.contains("order statistics") {
        return None;
    }
    let found = median_interval(&metric.samples)?;
    let same = |one: f64, other: f64| within(Bounds { lower: one, upper: one }, other);
    (!same(found.lower, lower) || !same(found.upper, upper)).then(|| {
        format!(
            "its interval is from {lower} to {upper}, its samples' from {} to {}",
            found.lower, found.upper
        )
    })
}

/// Between which two samples every median lies; `None` of no samples.
fn medians(samples: &[f64]) -> Option<Bounds> {
    let mut sorted = samples.to_vec();
    sorted.sort_by(f64::total_cmp);
    let last = sorted.len().checked_sub(1)?;
    Some(Bounds { lower: *sorted.get(last / 2)?, upper: *sorted.get(last.div_ceil(2))? })
}

fn within(bounds: Bounds, figure: f64) -> bool {
    let off = ROUNDING * figure.abs().max(bounds.lower.abs()).max(bounds.upper.abs());
    bounds.lower - off <= figure && figure <= bounds.upper + off
}
