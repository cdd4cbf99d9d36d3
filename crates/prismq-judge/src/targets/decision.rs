//! Whether the rounds measured so far decide a target: met, missed, or not to be decided yet.
//!
//! A figure varies from run to run. Were it held against its bound as it is, a program that is as good as
//! its bound would be called worse in every other run. So a target is decided only where the whole interval
//! of its figure, which pays for all targets of the run and for every look (see [`Estimate`]), lies on one
//! side of the bound.

use prismq_statistics::{BETWEEN_RUNS, Bounds, Estimate, median, tail_at_look};

use super::{Operator, Target};

/// The chance that any target of a run is called missed, at any look, where every true figure meets its own.
pub const FALSE_ALARMS: f64 = 0.01;

/// What a decision must pay for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Level {
    /// How many targets are asked of the run.
    pub targets: usize,
    /// How often the target was held against the rounds measured so far, this time included.
    pub looks: u64,
}

/// What is known of a target.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Answer {
    /// The true figure meets it.
    Met,
    /// The true figure misses it.
    Missed,
    /// It may be either: more rounds may tell.
    Undecided,
}

/// Decides a target from the figures of its rounds, in the target's unit and the order they were measured
/// in, and gives the interval that it was decided by. Call it after each addition of rounds, with `looks`
/// counted up, until it is decided.
///
/// A target for exactly a number, and a figure taken once, of which no spread is known, are decided by the
/// figure itself; no figure leaves it undecided.
#[must_use]
pub fn decide(target: &Target, rounds: &[f64], level: Level) -> (Answer, Option<Bounds>) {
    let scale = Scale::of(target, rounds);
    let scaled: Vec<f64> = rounds.iter().map(|round| scale.to(*round)).collect();
    let between = scale.between(rounds);
    match Estimate::of_rounds(&scaled, between) {
        Some(estimate) if target.operator != Operator::Equal => {
            // The median, which the record gives, is part of what may be.
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

/// The same from an estimate of the figure on this scale.
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

/// On what the distance of a figure from its bound is measured.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Scale {
    /// In the figure's unit: delays, which add up, and what may be 0.
    Unit,
    /// As a ratio: rates, which must not fall below a bound and never reach 0, however much they vary.
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

    /// What whole runs differ by at least.
    fn between(self, rounds: &[f64]) -> f64 {
        match self {
            Self::Unit => BETWEEN_RUNS * median(rounds).unwrap_or_default().abs(),
            Self::Ratio => BETWEEN_RUNS,
        }
    }
}
