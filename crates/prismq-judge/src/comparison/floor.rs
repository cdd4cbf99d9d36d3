//! The noise floor of a metric: the smallest change that is more than what two runs of one program
//! may differ by.

use std::fmt;

use prismq_statistics::{fence, logarithms};

use super::Rules;
use super::evidence::Evidence;
use super::rows::Draft;

/// The smallest relative change that counts, and why it is not smaller.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct NoiseFloor {
    /// The change.
    pub change: f64,
    /// What it comes from.
    pub source: FloorSource,
}

/// Where a noise floor comes from: the largest of these decides.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FloorSource {
    /// Less than this does not matter, even where it could be told.
    MinimumEffect,
    /// The rounds of each run, divided into A and A; or the baseline's starts beside each other.
    Spread,
    /// Runs of one program against itself.
    ControlRuns,
    /// The changes from run to run in the past.
    History,
    /// Too little is known yet of how much whole runs differ here.
    Unknown,
}

impl fmt::Display for FloorSource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::MinimumEffect => "minimum effect",
            Self::Spread => "A/A spread",
            Self::ControlRuns => "A/A runs",
            Self::History => "history",
            Self::Unknown => "run-to-run noise unknown",
        })
    }
}

/// What is compared.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Sides {
    /// A run and another, some time apart: what moves whole runs is part of their difference.
    Runs,
    /// Pairs of starts, which bring their own A/A runs with them: the baseline's starts.
    Pairs,
}

/// The floor of a draft that has evidence.
pub(super) fn floor(draft: &Draft, evidence: &Evidence, rules: &Rules, sides: Sides) -> NoiseFloor {
    let minimum = NoiseFloor { change: rules.min_effect, source: FloorSource::MinimumEffect };
    let spread = evidence.spread.map(|change| NoiseFloor { change, source: FloorSource::Spread });
    let between = match sides {
        Sides::Runs => between_runs(draft, evidence, rules),
        Sides::Pairs => Vec::new(),
    };
    let others = between.into_iter().chain(spread);
    others
        .fold(minimum, |largest, other| if other.change > largest.change { other } else { largest })
}

/// How much whole runs differ, from all that is known of it. The rounds of a run follow each other
/// closely: what slows a machine for a minute slows all rounds of a scenario alike, and they agree on a
/// figure that the next run does not repeat. Runs of one program against itself are made one after the other
/// and may show that much, never that there is no more: that takes a history.
fn between_runs(draft: &Draft, evidence: &Evidence, rules: &Rules) -> Vec<NoiseFloor> {
    let is_less = draft.row.delta.is_some_and(|delta| delta < 0.0);
    let floor = |log: f64, source| {
        let change = if is_less { -(-log).exp_m1() } else { log.exp_m1() };
        NoiseFloor { change, source }
    };
    let known = rules.noise.of(&draft.row.scenario, &draft.row.metric);
    let control = known.and_then(|known| fence(&logarithms(&known.control)));
    let history = known.and_then(|known| fence(&logarithms(&known.history)));
    let runs = match history {
        Some(log) => floor(log, FloorSource::History),
        None => floor(unknown(evidence), FloorSource::Unknown),
    };
    let control = control.map(|log| floor(log, FloorSource::ControlRuns));
    control.into_iter().chain([runs]).collect()
}

/// As a logarithm.
fn unknown(evidence: &Evidence) -> f64 {
    (UNKNOWN_FACTOR * (1.0 + BEYOND_ROUNDS * evidence.spread.unwrap_or_default())).ln()
}

/// What counts between two runs while too little is known of how much runs differ: a factor of two...
const UNKNOWN_FACTOR: f64 = 2.0;

/// ...beyond this much of what the rounds of each differ by: recorded runs of one program differ by no more
/// in nine of ten metrics.
const BEYOND_ROUNDS: f64 = 2.0;
