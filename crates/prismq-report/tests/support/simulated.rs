//! Runs as a machine like ours would record them, from a seed.
//!
//! A round's figure is log-normal around the metric's own; rounds depend on the one before (the disk's
//! state, the governor), now and then one is far worse, and each run as a whole is off.

use std::collections::BTreeMap;

use prismq_judge::comparison::{Change, Comparison, KnownNoise};
use prismq_record::{Direction, Metric, RunRecord, Validity};

use crate::support::sample;

/// Metrics of a run of the standard profile.
pub(crate) const METRICS: usize = 120;
/// Rounds of the standard profile.
pub(crate) const ROUNDS: usize = 10;

/// How much a round depends on the one before.
const AUTOCORRELATION: f64 = 0.3;
/// How often a round is far off, and by how much at most.
const OUTLIERS: f64 = 0.03;
const OUTLIER_MAX: f64 = 0.6;
/// How much a run as a whole is off, and how much more for the spread of the rounds: ten rounds' medians
/// then vary by 3.4 times what independent rounds would make them vary, as the recorded runs do
/// in the median of their metrics.
const RUN_SPREAD: f64 = 0.005;
const RUN_SPREAD_OF_ROUNDS: f64 = 0.5;
/// Runs of a history from which a metric's noise is known.
const HISTORY: usize = 12;

pub(crate) struct Machine {
    rng: fastrand::Rng,
    /// Relative standard deviation of each metric's rounds.
    spreads: Vec<f64>,
}

impl Machine {
    /// A machine whose metrics have spreads between the two, evenly.
    pub(crate) fn new(seed: u64, spreads: std::ops::RangeInclusive<f64>) -> Self {
        let (low, high) = spreads.into_inner();
        let spread = |index| low + (high - low) * index as f64 / (METRICS - 1) as f64;
        Self { rng: fastrand::Rng::with_seed(seed), spreads: (0..METRICS).map(spread).collect() }
    }

    /// The noise known from earlier runs of the machine.
    pub(crate) fn known(&mut self, rounds: usize) -> KnownNoise {
        let runs: Vec<RunRecord> = (0..HISTORY).map(|_| self.run(rounds, 0.0)).collect();
        history(&runs)
    }

    /// A run of a program that is slower by this share, in every metric.
    pub(crate) fn run(&mut self, rounds: usize, slower: f64) -> RunRecord {
        let mut run = sample::run();
        run.suites.truncate(1);
        let scenario = &mut run.suites[0].scenarios[0];
        scenario.validity = Validity::Valid;
        scenario.metrics = (0..METRICS).map(|index| self.metric(index, rounds, slower)).collect();
        run
    }

    /// Half of the metrics are rates, half are times.
    fn metric(&mut self, index: usize, rounds: usize, slower: f64) -> Metric {
        let direction = if index.is_multiple_of(2) { Direction::Higher } else { Direction::Lower };
        let worse = |by: f64| match direction {
            Direction::Higher => 1.0 - by,
            Direction::Lower => 1.0 + by,
        };
        let spread = self.spreads[index];
        let off = (RUN_SPREAD + RUN_SPREAD_OF_ROUNDS * spread) * self.normal();
        let level = 1000.0 * worse(slower) * off.exp();
        let mut state = self.normal();
        let samples = (0..rounds).map(|_| {
            let fresh = (1.0 - AUTOCORRELATION * AUTOCORRELATION).sqrt() * self.normal();
            state = AUTOCORRELATION * state + fresh;
            let outlier =
                if self.rng.f64() < OUTLIERS { self.rng.f64() * OUTLIER_MAX } else { 0.0 };
            level * worse(outlier) * (spread * state).exp()
        });
        let mut metric = sample::metric(&format!("metric_{index}"), samples.collect());
        metric.direction = direction;
        metric
    }

    /// A standard normal number (Box and Muller).
    fn normal(&mut self) -> f64 {
        let radius = (-2.0 * (1.0 - self.rng.f64()).ln()).sqrt();
        radius * (std::f64::consts::TAU * self.rng.f64()).cos()
    }
}

/// The metrics reported as changed.
pub(crate) fn flagged(comparison: &Comparison) -> usize {
    comparison.count(&Change::Improved) + comparison.count(&Change::Regressed)
}

/// The noise known from runs of one program, in this order.
pub(crate) fn history<'a>(runs: impl IntoIterator<Item = &'a RunRecord>) -> KnownNoise {
    let mut figures: BTreeMap<(&str, &str), Vec<f64>> = BTreeMap::new();
    for run in runs {
        for scenario in run.suites.iter().flat_map(|suite| &suite.scenarios) {
            for metric in &scenario.metrics {
                let key = (scenario.id.as_str(), metric.name.as_str());
                figures.entry(key).or_default().extend(metric.value);
            }
        }
    }
    let mut noise = KnownNoise::default();
    for ((scenario, metric), figures) in figures {
        noise.add_history(scenario, metric, &figures);
    }
    noise
}
