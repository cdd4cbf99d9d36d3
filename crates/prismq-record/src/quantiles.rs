//! Metrics that are a quantile of all tasks of a scenario.
//!
//! The median of the rounds' p99s throws stalls away: a stall of one round in ten is in no typical round,
//! and in every hundredth task. So such a figure is read from the distribution of all rounds together. How
//! far it may be off is found by drawing whole rounds, since the tasks of a round depend on each other (the
//! block bootstrap: Künsch, *The jackknife and the bootstrap for general stationary observations*, 1989;
//! here a block is a round).

use std::collections::BTreeMap;

use fastrand::Rng;
use hdrhistogram::Histogram;
use prismq_statistics::{BETWEEN_RUNS, Estimate, median};

use crate::fingerprint::fnv1a;
use crate::record::{self, ConfidenceInterval, Metric, RunRecord, Scenario};

/// How often rounds are drawn: a standard deviation is then known to 3 %.
const DRAWS: usize = 500;

/// The chance beyond each end of the interval that is recorded next to a figure.
const TAIL: f64 = 0.025;

/// The distribution that the pieces of a round keep.
const END_TO_END: &str = "end_to_end";

/// Metrics by name, with the distribution and the quantile of it that they are.
const QUANTILES: [(&str, &str, f64); 13] = [
    ("p50_ms", END_TO_END, 0.50),
    ("p95_ms", END_TO_END, 0.95),
    ("p99_ms", END_TO_END, 0.99),
    ("p99_uncorrected_ms", "end_to_end_uncorrected", 0.99),
    ("p99_afterwards_ms", "end_to_end_afterwards", 0.99),
    ("publish_p99_ms", "publish", 0.99),
    ("wait_p50_ms", "wait", 0.50),
    ("wait_p95_ms", "wait", 0.95),
    ("wait_p99_ms", "wait", 0.99),
    ("schedule_lag_p99_ms", "schedule_lag", 0.99),
    ("generator_lag_p99_ms", "generator_lag", 0.99),
    ("p50_us", "wake", 0.50),
    ("p99_us", "wake", 0.99),
];

/// The quantile of all tasks that a metric is, in the metric's unit; `None` for any other metric, and where
/// the distribution is not there or damaged.
#[must_use]
pub fn of_all(scenario: &Scenario, metric: &Metric) -> Option<f64> {
    let (histogram, quantile) = defined(metric)?;
    let recorded = scenario.histograms.get(histogram).filter(|found| found.unit == "ns")?;
    let distribution = recorded.decode().ok()?;
    let unit = nanoseconds(metric)?;
    (!distribution.is_empty()).then(|| distribution.value_at_quantile(quantile) as f64 / unit)
}

/// The same with how far it may be off; without the rounds' own distributions, by the spread of the rounds'
/// figures.
#[must_use]
pub fn estimate(scenario: &Scenario, metric: &Metric) -> Option<Estimate> {
    let figure = of_all(scenario, metric)?;
    let (histogram, quantile) = defined(metric)?;
    let between = BETWEEN_RUNS * figure;
    let rounds = if histogram == END_TO_END { rounds(scenario) } else { Vec::new() };
    if rounds.len() < 2 {
        let spread = Estimate::of_rounds(&metric.samples, between)?;
        return Some(Estimate { figure, ..spread });
    }
    let seed = fnv1a(scenario.id.bytes().chain([b':']).chain(metric.name.bytes()));
    let variance = drawn_variance(&rounds, quantile, seed)? / nanoseconds(metric)?.powi(2);
    Estimate::of(figure, variance, between, rounds.len())
}

/// Replaces the quantiles of a scenario by those of all its tasks, each with its interval. The rounds' figures
/// stay as samples.
pub fn settle(scenario: &mut Scenario) {
    let settled: Vec<_> = scenario
        .metrics
        .iter()
        .map(|metric| Some((of_all(scenario, metric)?, estimate(scenario, metric))))
        .collect();
    for (metric, settled) in scenario.metrics.iter_mut().zip(settled) {
        let Some((figure, estimate)) = settled else { continue };
        metric.value = Some(figure);
        metric.interval = estimate.and_then(|estimate| {
            let bounds = estimate.interval(TAIL)?;
            Some(ConfidenceInterval {
                level: 1.0 - 2.0 * TAIL,
                lower: bounds.lower.max(0.0),
                upper: bounds.upper,
                method: "block bootstrap over rounds".to_owned(),
                rounds: estimate.rounds as u64,
            })
        });
    }
}

/// The run with every quantile taken from all tasks, as records have it since 1.2.
#[must_use]
pub fn with_figures_of_all(run: &RunRecord) -> RunRecord {
    let mut run = run.clone();
    for scenario in run.suites.iter_mut().flat_map(|suite| &mut suite.scenarios) {
        let figures: Vec<_> =
            scenario.metrics.iter().map(|metric| of_all(scenario, metric)).collect();
        for (metric, figure) in scenario.metrics.iter_mut().zip(figures) {
            metric.value = metric.value.and(figure).or(metric.value);
        }
    }
    run
}

/// A scenario by the rounds alone that nobody on the machine disturbed; `None` if those are half of them or less. Figures
/// that cannot be taken from them have no value: what was taken once, or of a distribution that rounds do not keep.
#[must_use]
pub fn undisturbed(scenario: &Scenario) -> Option<Scenario> {
    if scenario.is_mostly_disturbed() {
        return None;
    }
    let mut alone = Scenario { histograms: BTreeMap::new(), ..scenario.clone() };
    alone.rounds.retain(|round| !round.is_disturbed());
    let all = rounds(&alone).into_iter().reduce(|mut sum, round| {
        // What does not fit is left out of both: the same bounds hold for all rounds of a record.
        let _ = sum.add(round);
        sum
    });
    if let Some(encoded) = all.and_then(|all| record::Histogram::encode(&all, "ns").ok()) {
        alone.histograms.insert(END_TO_END.to_owned(), encoded);
    }
    let mut figures = Vec::with_capacity(alone.metrics.len());
    for metric in &mut alone.metrics {
        let of_rounds = metric.samples.len() == scenario.rounds.len();
        if of_rounds {
            let mut rounds = scenario.rounds.iter();
            metric.samples.retain(|_| rounds.next().is_some_and(|round| !round.is_disturbed()));
        }
        let is_kept = defined(metric).map_or(of_rounds, |(histogram, _)| histogram == END_TO_END);
        figures.push(if is_kept { median(&metric.samples) } else { None });
    }
    for (metric, figure) in alone.metrics.iter_mut().zip(figures) {
        metric.value = figure;
        let lacks = || "it was not taken from undisturbed rounds alone".to_owned();
        metric.reason = figure.is_none().then(lacks);
    }
    Some(alone)
}

fn defined(metric: &Metric) -> Option<(&'static str, f64)> {
    let found = QUANTILES.iter().find(|(name, ..)| *name == metric.name)?;
    Some((found.1, found.2))
}

fn nanoseconds(metric: &Metric) -> Option<f64> {
    match metric.unit.as_str() {
        "ms" => Some(1e6),
        "us" => Some(1e3),
        _ => None,
    }
}

/// The distribution of each round that has any, the warm-up left out.
fn rounds(scenario: &Scenario) -> Vec<Histogram<u64>> {
    let of_round = |round: &crate::record::Round| {
        let measured = round.intervals.iter().filter(|interval| interval.from_s >= 0.0);
        let mut pieces =
            measured.filter_map(|interval| interval.end_to_end.as_ref()?.decode().ok());
        let first = pieces.next()?;
        pieces.try_fold(first, |mut sum, piece| sum.add(piece).is_ok().then_some(sum))
    };
    scenario.rounds.iter().filter_map(of_round).collect()
}

/// The variance of a quantile over draws of as many rounds, in the square of the recorded unit.
fn drawn_variance(rounds: &[Histogram<u64>], quantile: f64, seed: u64) -> Option<f64> {
    let mut bins: BTreeMap<u64, Vec<u64>> = BTreeMap::new();
    for (index, round) in rounds.iter().enumerate() {
        for bin in round.iter_recorded() {
            let counts = bins.entry(bin.value_iterated_to()).or_insert(vec![0; rounds.len()]);
            if let Some(count) = counts.get_mut(index) {
                *count += bin.count_at_value();
            }
        }
    }
    let mut rng = Rng::with_seed(seed);
    let mut figures = Vec::with_capacity(DRAWS);
    for _ in 0..DRAWS {
        let mut times = vec![0; rounds.len()];
        for _ in rounds {
            *times.get_mut(rng.usize(..rounds.len()))? += 1;
        }
        figures.push(quantile_of(&bins, &times, quantile)?);
    }
    let mean = figures.iter().sum::<f64>() / DRAWS as f64;
    let variance = figures.iter().map(|figure| (figure - mean).powi(2)).sum::<f64>() / DRAWS as f64;
    // Draws of n rounds vary by one part in n less than n rounds do.
    let count = rounds.len() as f64;
    Some(variance * count / (count - 1.0))
}

/// The quantile of rounds that are there this many times each.
fn quantile_of(bins: &BTreeMap<u64, Vec<u64>>, times: &[u64], quantile: f64) -> Option<f64> {
    let count = |counts: &Vec<u64>| -> u64 {
        counts.iter().zip(times).map(|(count, times)| count * times).sum()
    };
    let total: u64 = bins.values().map(count).sum();
    let rank = (quantile * total as f64).ceil().max(1.0) as u64;
    let mut below = 0;
    for (value, counts) in bins {
        below += count(counts);
        if below >= rank {
            return Some(*value as f64);
        }
    }
    None
}
