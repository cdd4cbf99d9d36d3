//! Intervals of a change by the percentile bootstrap: rounds are drawn repeatedly with replacement, and the change
//! of each draw is one that might have been measured
//! (Efron and Tibshirani, *An Introduction to the Bootstrap*, 1993, chapter 13).
//!
//! The percentile interval is the one recommended for medians (Wilcox, *Introduction to Robust
//! Estimation and Hypothesis Testing*, section 5.4.2): the acceleration of the `BCa` interval comes
//! from a jackknife, which is inconsistent for them. What is drawn is rounds or pairs of starts, never
//! single requests, which depend on each other.

use fastrand::Rng;

use super::Bounds;
use super::order::{median, quantile_of_sorted};

/// How often rounds are drawn: the tails of a 95 % interval then hold 50 draws each.
const DRAWS: usize = 2_000;

/// The seed of the draws: the same seed gives the same interval.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Seed(pub u64);

/// The interval at `level` of the relative change between the medians of two sets of rounds; `None`
/// where a side has fewer than two rounds or a median that might be zero, for which no relative change is
/// defined.
#[must_use]
pub fn relative_change_interval(
    before: &[f64],
    after: &[f64],
    level: f64,
    seed: Seed,
) -> Option<Bounds> {
    if before.len() < 2 || after.len() < 2 {
        return None;
    }
    let mut rng = Rng::with_seed(seed.0);
    let (mut old, mut new) = (vec![0.0; before.len()], vec![0.0; after.len()]);
    let mut changes = Vec::with_capacity(DRAWS);
    for _ in 0..DRAWS {
        let (old, new) = (drawn(&mut rng, before, &mut old)?, drawn(&mut rng, after, &mut new)?);
        if old == 0.0 {
            return None;
        }
        changes.push((new - old) / old.abs());
    }
    percentiles(changes, level)
}

/// The interval at `level` of the median of ratios, one of each pair of starts, as a relative change;
/// `None` for fewer than two pairs.
#[must_use]
pub fn median_of_ratios_interval(ratios: &[f64], level: f64, seed: Seed) -> Option<Bounds> {
    if ratios.len() < 2 {
        return None;
    }
    let mut rng = Rng::with_seed(seed.0);
    let mut draw = vec![0.0; ratios.len()];
    let changes: Option<Vec<f64>> =
        (0..DRAWS).map(|_| Some(drawn(&mut rng, ratios, &mut draw)? - 1.0)).collect();
    percentiles(changes?, level)
}

/// The median of as many samples, drawn with replacement.
fn drawn(rng: &mut Rng, samples: &[f64], draw: &mut [f64]) -> Option<f64> {
    for place in draw.iter_mut() {
        *place = *samples.get(rng.usize(..samples.len()))?;
    }
    let middle = draw.len() / 2;
    let (below, upper, _) = draw.select_nth_unstable_by(middle, f64::total_cmp);
    let upper = *upper;
    if samples.len() % 2 == 1 {
        return Some(upper);
    }
    below.iter().copied().max_by(f64::total_cmp).map(|lower| f64::midpoint(lower, upper))
}

/// The interval that leaves out the same share of figures on both sides.
pub(crate) fn percentiles(mut figures: Vec<f64>, level: f64) -> Option<Bounds> {
    figures.sort_by(f64::total_cmp);
    let outside = (1.0 - level) / 2.0;
    let lower = quantile_of_sorted(&figures, outside)?;
    let upper = quantile_of_sorted(&figures, 1.0 - outside)?;
    Some(Bounds { lower, upper })
}

/// The median of one draw of rounds, for refitting a model to it.
pub(crate) fn drawn_median(rng: &mut Rng, samples: &[f64]) -> Option<f64> {
    if samples.is_empty() {
        return None;
    }
    let draw: Option<Vec<f64>> =
        (0..samples.len()).map(|_| samples.get(rng.usize(..samples.len())).copied()).collect();
    median(&draw?)
}

#[cfg(test)]
mod tests {
    use super::*;

    const SEED: Seed = Seed(1);

    fn one_to(count: u32) -> Vec<f64> {
        (1..=count).map(f64::from).collect()
    }

    #[test]
    fn the_same_seed_gives_the_same_interval() {
        let rounds: Vec<f64> = one_to(40).into_iter().map(|round| round.powf(1.5)).collect();
        let interval = |seed| relative_change_interval(&rounds, &rounds, 0.95, Seed(seed));
        assert!(interval(7).is_some());
        assert_eq!(interval(7), interval(7));
        assert_ne!(interval(7), interval(8));
    }

    #[test]
    fn rounds_that_do_not_vary_have_an_interval_of_no_width() {
        let interval = relative_change_interval(&[100.0; 5], &[90.0; 5], 0.99, SEED);
        assert_eq!(interval, Some(Bounds { lower: -0.1, upper: -0.1 }));
        let interval = median_of_ratios_interval(&[1.5; 4], 0.99, SEED);
        assert_eq!(interval, Some(Bounds { lower: 0.5, upper: 0.5 }));
    }

    #[test]
    fn one_round_or_a_baseline_of_zero_has_no_relative_change() {
        assert_eq!(relative_change_interval(&[1.0], &[1.0, 2.0], 0.95, SEED), None);
        assert_eq!(relative_change_interval(&[0.0; 10], &[1.0; 10], 0.95, SEED), None);
        assert_eq!(median_of_ratios_interval(&[1.0], 0.95, SEED), None);
    }

    /// The bootstrap distribution of a median is binomial (Efron, *Bootstrap Methods: Another Look at
    /// the Jackknife*, 1979, section 3): of 11 rounds the median of a draw is at most the third
    /// smallest with chance P(Bin(11, 3/11) >= 6) = 0.0512, at most the second with 0.0072, and the
    /// smallest with 0.0002.
    #[test]
    fn the_interval_of_a_median_has_the_ends_of_the_exact_bootstrap_distribution() {
        let interval = median_of_ratios_interval(&one_to(11), 0.95, SEED);
        assert_eq!(interval, Some(Bounds { lower: 2.0, upper: 8.0 }));
        let interval = median_of_ratios_interval(&one_to(11), 0.998, SEED);
        assert_eq!(interval, Some(Bounds { lower: 1.0, upper: 9.0 }));
    }
}
