//! The noise floor of a metric: the smallest change that is more than what two runs of one program
//! may differ by.

use std::fmt;

use super::Rules;
use super::evidence::Evidence;
use super::rows::Draft;
use crate::statistics::{FENCE_CHANGES_MIN, fence};

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
}

impl fmt::Display for FloorSource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::MinimumEffect => "minimum effect",
            Self::Spread => "A/A spread",
            Self::ControlRuns => "A/A runs",
            Self::History => "history",
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
    let known = rules.noise.of(&draft.row.scenario, &draft.row.metric);
    let (control, history) = match (sides, known) {
        (Sides::Runs, Some(known)) => (of_control(&known.control), fence(&known.history)),
        _ => (None, None),
    };
    let minimum = NoiseFloor { change: rules.min_effect, source: FloorSource::MinimumEffect };
    let others = [
        (evidence.spread, FloorSource::Spread),
        (control, FloorSource::ControlRuns),
        (history, FloorSource::History),
    ];
    let others = others
        .into_iter()
        .filter_map(|(change, source)| change.map(|change| NoiseFloor { change, source }));
    others
        .fold(minimum, |largest, other| if other.change > largest.change { other } else { largest })
}

/// Of few A/A runs the largest change seen, of many their fence.
fn of_control(changes: &[f64]) -> Option<f64> {
    if changes.len() >= FENCE_CHANGES_MIN {
        return fence(changes);
    }
    changes.iter().map(|change| change.abs()).max_by(f64::total_cmp)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_few_control_runs_count_by_their_largest_and_many_by_their_fence() {
        assert_eq!(of_control(&[]), None);
        assert_eq!(of_control(&[0.01, -0.07, 0.02]), Some(0.07));
        let many: Vec<f64> = (1..=10).map(f64::from).collect();
        assert_eq!(of_control(&many), fence(&many));
    }
}
