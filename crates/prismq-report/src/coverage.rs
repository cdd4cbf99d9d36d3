//! The coverage of intervals: how often the interval of one run contains the figure of another run of the same
//! program. A confidence interval must; that of the rounds of one run, which share the state of the machine, may
//! not.

use std::collections::BTreeMap;

use prismq_record::RunRecord;
use prismq_record::fingerprint::config_hash;
use prismq_statistics::{Estimate, median, median_interval};

/// The coverage from which on intervals are confidence intervals rather than the spread of the rounds.
pub const GOAL: f64 = 0.85;

/// The coverage of the intervals of recorded runs of one program.
#[derive(Debug, Clone, PartialEq)]
pub struct Coverage {
    /// Of all metrics.
    pub all: Share,
    /// The design effect: the variance between whole runs over that of independent rounds, as the median over the
    /// metrics.
    pub effect: f64,
    /// Of each metric by its name, over all scenarios that have it, worst first.
    pub metrics: Vec<(String, Share)>,
}

/// In how many pairs of an interval and another run's figure of the same metric and work the two agree.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Share {
    /// The pairs.
    pub pairs: usize,
    /// In how many of them the interval contains the figure.
    pub held: usize,
    /// In how many of them the two runs' intervals are disjoint.
    pub disjoint: usize,
}

impl Share {
    /// The share of the pairs in which the interval contains the figure.
    #[must_use]
    pub fn held(&self) -> f64 {
        self.held as f64 / self.pairs as f64
    }

    /// The share of the pairs in which the two intervals are disjoint.
    #[must_use]
    pub fn disjoint(&self) -> f64 {
        self.disjoint as f64 / self.pairs as f64
    }

    /// Counts the pairs of these runs' rounds.
    fn count(&mut self, runs: &[&[f64]]) {
        let known =
            runs.iter().filter_map(|rounds| Some((median_interval(rounds)?, median(rounds)?)));
        let known: Vec<_> = known.collect();
        for (index, (interval, _)) in known.iter().enumerate() {
            let others = known.iter().enumerate().filter(|(other, _)| *other != index);
            for (_, (other, figure)) in others {
                self.pairs += 1;
                self.held += usize::from(interval.contains(*figure));
                self.disjoint +=
                    usize::from(interval.upper < other.lower || other.upper < interval.lower);
            }
        }
    }
}

/// The coverage over runs of one program on one machine. `None` if no metric was measured in six rounds or more
/// by two runs.
#[must_use]
pub fn coverage(runs: &[RunRecord]) -> Option<Coverage> {
    let mut all = Share::default();
    let mut metrics: BTreeMap<&str, Share> = BTreeMap::new();
    let mut effects = Vec::new();
    for ((_, metric, _), runs) in &rounds(runs) {
        all.count(runs);
        metrics.entry(metric).or_default().count(runs);
        effects.extend(effect(runs));
    }
    let mut metrics: Vec<(String, Share)> = metrics
        .into_iter()
        .filter(|(_, share)| share.pairs > 0)
        .map(|(name, share)| (name.to_owned(), share))
        .collect();
    metrics.sort_by(|(_, one), (_, other)| one.held().total_cmp(&other.held()));
    let effect = median(&effects).unwrap_or(f64::NAN);
    (all.pairs > 0).then_some(Coverage { all, effect, metrics })
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

/// The variance of the runs' figures over the one expected from their rounds if these were independent.
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
