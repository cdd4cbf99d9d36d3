//! All metrics together: whether the engine as a whole became slower, even if no single metric shows it.
//!
//! Each scenario has one vote, the median of how much worse its metrics are, since the metrics of a scenario
//! are of the same rounds. The median of the votes is the overall slowdown. Its error is the scatter of the votes
//! and the variation between whole runs of this machine, which no number of scenarios averages out: known from
//! the history, else assumed.

use std::collections::BTreeMap;

use prismq_record::Direction;
use prismq_statistics::{Bounds, Estimate, fence, median};

use super::Row;

/// The least number of scenarios.
const SCENARIOS_MIN: usize = 6;

/// The probability that an unchanged engine is called slower: as among the metrics.
const FALSE_ALARMS: f64 = 0.0025;

/// The power at which the smallest detectable slowdown is given.
const POWER: f64 = 0.8;

/// The standard deviation between whole runs of one program, as the logarithm of the ratio, without a history:
/// five recorded whole runs differ by 1 % in the median of their pairs and by 6 % at most.
const UNKNOWN: f64 = 0.03;

/// The least standard deviation between whole runs, however quiet the history is.
const LEAST: f64 = 0.005;

/// The overall slowdown.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Overall {
    /// The number of scenarios that were compared.
    pub scenarios: usize,
    /// The relative slowdown; below 0 where it is faster.
    pub slowdown: f64,
    /// The interval of the true slowdown: beyond either end with a probability of 0.25 %.
    pub interval: Bounds,
    /// The smallest slowdown that is found in four of five comparisons (the minimum detectable effect).
    pub detectable: f64,
}

impl Overall {
    /// From the rows of a comparison; `shifts` are the logarithms of how much slower each past run of the
    /// machine was than the one before it. `None` for too few scenarios.
    pub(super) fn of(rows: &[Row], shifts: &[f64]) -> Option<Self> {
        let compared = rows.iter().filter(|row| row.interval.is_some());
        let changes = compared.filter_map(|row| {
            Some((row.scenario.as_str(), worse(row.direction, row.before?, row.after?)?))
        });
        let votes = votes(changes);
        if votes.len() < SCENARIOS_MIN {
            return None;
        }
        let estimate = Estimate::of_votes(&votes, between(shifts))?;
        let bounds = estimate.interval(FALSE_ALARMS)?;
        let reach = estimate.figure - bounds.lower + estimate.figure
            - estimate.interval(1.0 - POWER)?.lower;
        Some(Self {
            scenarios: votes.len(),
            slowdown: estimate.figure.exp_m1(),
            interval: Bounds { lower: bounds.lower.exp_m1(), upper: bounds.upper.exp_m1() },
            detectable: reach.exp_m1(),
        })
    }

    /// Whether the engine is slower beyond chance, by at least the minimum effect.
    #[must_use]
    pub fn is_slower(&self, min_effect: f64) -> bool {
        self.interval.lower > 0.0 && self.slowdown >= min_effect
    }

    /// Whether a slowdown of the minimum effect is ruled out.
    #[must_use]
    pub fn is_ruled_out(&self, min_effect: f64) -> bool {
        self.interval.upper < min_effect
    }
}

/// How much slower one run is than another, as the logarithm of the ratio, from the figures that both have:
/// scenario, direction, and the figure of each. `None` for too few scenarios.
#[must_use]
pub fn shift<'a>(figures: impl Iterator<Item = (&'a str, Direction, f64, f64)>) -> Option<f64> {
    let votes = votes(figures.filter_map(|(scenario, direction, before, after)| {
        Some((scenario, worse(direction, before, after)?))
    }));
    if votes.len() < SCENARIOS_MIN { None } else { median(&votes) }
}

/// The logarithm of how many times worse a figure is; `None` if it is not finite.
fn worse(direction: Direction, before: f64, after: f64) -> Option<f64> {
    let log = (after / before).ln();
    let log = match direction {
        Direction::Lower => log,
        Direction::Higher => -log,
    };
    (before > 0.0 && log.is_finite()).then_some(log)
}

fn votes<'a>(changes: impl Iterator<Item = (&'a str, f64)>) -> Vec<f64> {
    let mut by_scenario: BTreeMap<&str, Vec<f64>> = BTreeMap::new();
    for (scenario, change) in changes {
        by_scenario.entry(scenario).or_default().push(change);
    }
    by_scenario.values().filter_map(|changes| median(changes)).collect()
}

/// The standard deviation between whole runs; changes beyond the fence had a cause and are left out.
fn between(shifts: &[f64]) -> f64 {
    let Some(fence) = fence(shifts) else { return UNKNOWN };
    let usual: Vec<f64> = shifts.iter().copied().filter(|shift| shift.abs() <= fence).collect();
    let squares: f64 = usual.iter().map(|shift| shift * shift).sum();
    (squares / usual.len() as f64).sqrt().max(LEAST)
}
