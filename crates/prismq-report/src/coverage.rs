//! Whether the interval of one run holds the figure of another run of the same program: what an interval
//! that is called one of confidence must do, and what the rounds of a run, which share what the machine did,
//! may not tell.

use std::collections::BTreeMap;

use prismq_record::RunRecord;
use prismq_record::fingerprint::config_hash;
use prismq_statistics::{Estimate, median, median_interval};

/// The share of other runs' figures that intervals must hold to be called more than the spread of the rounds.
pub const GOAL: f64 = 0.85;

/// What recorded runs of one program say of their intervals.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Coverage {
    /// Pairs of an interval and another run's figure of the same metric and work.
    pub pairs: usize,
    /// The share of the pairs in which the interval holds the figure.
    pub held: f64,
    /// The share of the pairs in which the two runs' intervals have nothing in common.
    pub disjoint: f64,
    /// How many times more the figures of whole runs vary than those of independent rounds would, as the
    /// median over the metrics.
    pub effect: f64,
}

/// The coverage over runs of one program on one machine. `None` where no metric was measured in six rounds
/// and more by two runs.
#[must_use]
pub fn coverage(runs: &[RunRecord]) -> Option<Coverage> {
    let (mut pairs, mut held, mut disjoint) = (0_usize, 0_usize, 0_usize);
    let mut effects = Vec::new();
    for runs in rounds(runs).values() {
        let known =
            runs.iter().filter_map(|rounds| Some((median_interval(rounds)?, median(rounds)?)));
        let known: Vec<_> = known.collect();
        for (index, (interval, _)) in known.iter().enumerate() {
            let others = known.iter().enumerate().filter(|(other, _)| *other != index);
            for (_, (other, figure)) in others {
                pairs += 1;
                held += usize::from(interval.contains(*figure));
                disjoint +=
                    usize::from(interval.upper < other.lower || other.upper < interval.lower);
            }
        }
        effects.extend(effect(runs));
    }
    let share = |count: usize| count as f64 / pairs as f64;
    (pairs > 0).then_some(Coverage {
        pairs,
        held: share(held),
        disjoint: share(disjoint),
        effect: median(&effects).unwrap_or(f64::NAN),
    })
}

/// The rounds of each run by metric and work.
fn rounds(runs: &[RunRecord]) -> BTreeMap<(String, &str, String), Vec<&[f64]>> {
    let mut found: BTreeMap<_, Vec<&[f64]>> = BTreeMap::new();
    for scenario in runs.iter().flat_map(|run| &run.suites).flat_map(|suite| &suite.scenarios) {
        let work = config_hash(&scenario.parameters);
        for metric in scenario.metrics.iter().filter(|metric| !metric.samples.is_empty()) {
            let key = (scenario.id.clone(), metric.name.as_str(), work.clone());
            found.entry(key).or_default().push(&metric.samples);
        }
    }
    found
}

/// The variance of the runs' figures over that which their rounds would give them if they were independent.
fn effect(runs: &[&[f64]]) -> Option<f64> {
    let figures: Vec<f64> = runs.iter().filter_map(|rounds| median(rounds)).collect();
    let mean = figures.iter().sum::<f64>() / figures.len() as f64;
    let squares: f64 = figures.iter().map(|figure| (figure - mean).powi(2)).sum();
    let between = squares / figures.len().checked_sub(1).filter(|count| *count > 0)? as f64;
    let within =
        runs.iter().filter_map(|rounds| Some(Estimate::of_votes(rounds, 0.0)?.deviation.powi(2)));
    let within = median(&within.collect::<Vec<_>>()).filter(|within| *within > 0.0)?;
    Some(between / within)
}
