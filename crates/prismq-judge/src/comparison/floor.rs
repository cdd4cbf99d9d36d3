//! The noise floor of a metric: the smallest change that is more than two runs of one program may differ by.

use std::fmt;

use prismq_statistics::{fence, logarithms};

use super::Rules;
use super::evidence::Evidence;
use super::rows::Draft;

/// The smallest relative change that counts, and its source.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct NoiseFloor {
    /// The change.
    pub change: f64,
    /// The source.
    pub source: FloorSource,
}

/// The source of a noise floor: the largest of these decides.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FloorSource {
    /// The minimum effect: less does not matter, even if it were certain.
    MinimumEffect,
    /// The rounds of each run, divided into A and A; or neighbouring starts of the baseline.
    Spread,
    /// Runs of one program against itself.
    ControlRuns,
    /// The changes from run to run in the past.
    History,
    /// Too little is known yet about how much whole runs differ on this machine.
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
    /// Two runs, some time apart: the variation between whole runs is part of their difference.
    Runs,
    /// Pairs of starts, whose baseline starts are A/A runs.
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

/// How much whole runs differ, from all that is known about it. The rounds of a run follow each other closely:
/// what slows a machine for a minute slows all rounds of a scenario alike, and they agree on a figure that the
/// next run does not repeat. A/A runs are made one after the other: they can raise the floor, but only a history
/// can lower it.
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

/// The floor without a history, as a logarithm.
fn unknown(evidence: &Evidence) -> f64 {
    (UNKNOWN_FACTOR * (1.0 + BEYOND_ROUNDS * evidence.spread.unwrap_or_default())).ln()
}

/// The factor by which figures of two runs must differ while too little is known about how much runs differ...
const UNKNOWN_FACTOR: f64 = 2.0;

/// ...beyond this much of what the rounds of each differ by: recorded runs of one program differ by no more
/// in nine of ten metrics.
const BEYOND_ROUNDS: f64 = 2.0;
