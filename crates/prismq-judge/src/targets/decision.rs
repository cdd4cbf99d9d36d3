//! Whether the rounds measured so far decide a target: met, missed, or undecided.
//!
//! A figure varies from run to run. If it were compared with its bound as it is, a program that is exactly as
//! good as its bound would be called worse in every other run. So a target is decided only if the whole interval
//! of its figure lies on one side of the bound. The interval is adjusted for the number of targets of the run and
//! for every interim look (see [`Estimate`]).

use prismq_statistics::{BETWEEN_RUNS, Bounds, Estimate, median, tail_at_look};

use super::{Operator, Target};

/// The family-wise error rate: the probability that any target of a run is called missed, at any look, if every
/// true figure meets its target.
pub const FALSE_ALARMS: f64 = 0.01;

/// What the error probability of a decision is divided by.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Level {
    /// How many targets apply to the run.
    pub targets: usize,
    /// How often the target was checked against the rounds measured so far, this time included.
    pub looks: u64,
}

/// The decision on a target.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Answer {
    /// The true figure meets it.
    Met,
    /// The true figure misses it.
    Missed,
    /// Neither is certain: more rounds may decide it.
    Undecided,
}

/// Decides a target from the figures of its rounds, in the target's unit and in the order they were measured,
/// and returns the interval that it was decided by. Call it after each addition of rounds, with `looks`
/// counted up, until it is decided.
///
/// A target with the operator `=`, and a figure that was taken once and has no known spread, are decided by the
/// figure itself. Without a figure the target is undecided.
#[must_use]
pub fn decide(target: &Target, rounds: &[f64], level: Level) -> (Answer, Option<Bounds>) {
    let scale = Scale::of(target, rounds);
    let scaled: Vec<f64> = rounds.iter().map(|round| scale.to(*round)).collect();
    let between = scale.between(rounds);
    match Estimate::of_rounds(&scaled, between) {
        Some(estimate) if target.operator != Operator::Equal => {
            // The interval must contain the median, which is the figure of the record.
            let middle = median(&scaled).unwrap_or(estimate.figure);
            decide_estimate(target, &estimate, scale, level, middle)
        }
        _ => match median(rounds) {
            Some(figure) if target.holds(figure) => (Answer::Met, None),
            Some(_) => (Answer::Missed, None),
            None => (Answer::Undecided, None),
        },
    }
}

/// Decides a target from an estimate of its figure on this scale.
pub(super) fn decide_estimate(
    target: &Target,
    estimate: &Estimate,
    scale: Scale,
    level: Level,
    figure: f64,
) -> (Answer, Option<Bounds>) {
    let tail = tail_at_look(FALSE_ALARMS, level.targets, level.looks);
    let Some(interval) = estimate.interval(tail) else { return (Answer::Undecided, None) };
    let interval = Bounds {
        lower: scale.from(interval.lower.min(figure)),
        upper: scale.from(interval.upper.max(figure)),
    };
    let answer = match (target.holds(interval.lower), target.holds(interval.upper)) {
        (true, true) => Answer::Met,
        (false, false) => Answer::Missed,
        _ => Answer::Undecided,
    };
    (answer, Some(interval))
}

/// The scale on which the distance of a figure from its bound is measured.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Scale {
    /// In the figure's unit: delays, which add up, and figures that may be 0.
    Unit,
    /// As a ratio: rates with a lower bound, which never reach 0.
    Ratio,
}

impl Scale {
    fn of(target: &Target, rounds: &[f64]) -> Self {
        let least = matches!(target.operator, Operator::Greater | Operator::GreaterOrEqual);
        let positive = rounds.iter().all(|round| *round > 0.0);
        if least && positive { Self::Ratio } else { Self::Unit }
    }

    fn to(self, figure: f64) -> f64 {
        match self {
            Self::Unit => figure,
            Self::Ratio => figure.ln(),
        }
    }

    fn from(self, figure: f64) -> f64 {
        match self {
            Self::Unit => figure,
            Self::Ratio => figure.exp(),
        }
    }

    /// The least standard deviation between whole runs.
    fn between(self, rounds: &[f64]) -> f64 {
        match self {
            Self::Unit => BETWEEN_RUNS * median(rounds).unwrap_or_default().abs(),
            Self::Ratio => BETWEEN_RUNS,
        }
    }
}
