//! Noise: how much a figure varies without a change of the program.

use fastrand::Rng;

use super::bootstrap::Seed;
use super::distribution::student_two_sided;
use super::order::{median, quantile, quantile_of_sorted};

/// The share of changes without a cause that a spread covers.
const SHARE: f64 = 0.99;

/// How often rounds are divided, or signs drawn.
const DRAWS: usize = 1_000;

/// The least past changes for a fence.
const FENCE_CHANGES_MIN: usize = 10;

/// The relative changes from each figure to the next; a change from 0 is left out.
#[must_use]
pub fn changes(figures: &[f64]) -> Vec<f64> {
    let change = |pair: &[f64]| match pair {
        [old, new] if *old != 0.0 => Some((new - old) / old.abs()),
        _ => None,
    };
    figures.windows(2).filter_map(change).collect()
}

/// The logarithms of relative changes as ratios, so that halving and doubling are equally far; a change without
/// a finite logarithm, such as a fall to 0, is left out.
#[must_use]
pub fn logarithms(changes: &[f64]) -> Vec<f64> {
    changes.iter().map(|change| change.ln_1p()).filter(|log| log.is_finite()).collect()
}

/// The fence of past changes: the upper quartile and three times the range between the quartiles above
/// it, what Tukey (*Exploratory Data Analysis*, 1977) calls far out. rustc's performance suite calls a
/// change significant by this rule. `None` for fewer than ten.
#[must_use]
pub fn fence(changes: &[f64]) -> Option<f64> {
    if changes.len() < FENCE_CHANGES_MIN {
        return None;
    }
    let sizes: Vec<f64> = changes.iter().map(|change| change.abs()).collect();
    let (lower, upper) = (quantile(&sizes, 0.25)?, quantile(&sizes, 0.75)?);
    Some(upper + 3.0 * (upper - lower))
}

/// The two-sided p-value of a change by this ratio among changes without a cause, whose logarithms are given:
/// Student's t test of the ratio's logarithm, whose mean is known to be 0. Changes beyond the fence had a cause
/// and are left out, so that they do not hide a further one. A run is part of two of the changes from run to run,
/// the one to it and the one from it, so that three of these count as two independent ones. `None` for fewer
/// than ten; 1 for a negative ratio.
#[must_use]
pub fn p_value_among(logs: &[f64], ratio: f64) -> Option<f64> {
    let fence = fence(logs)?;
    let usual: Vec<f64> = logs.iter().copied().filter(|log| log.abs() <= fence).collect();
    let count = usual.len() as f64;
    let spread = (usual.iter().map(|log| log * log).sum::<f64>() / count).sqrt();
    let log = ratio.ln();
    if log.is_nan() {
        return Some(1.0);
    }
    if spread == 0.0 {
        return Some(if log == 0.0 { 1.0 } else { 0.0 });
    }
    Some(student_two_sided(log / spread, count * 2.0 / 3.0))
}

/// The spread of the relative change between two runs, from the rounds of one: they are divided into
/// halves at random, which are A and A, and 99 % of the changes between the medians of the halves are
/// smaller than the answer (subsampling: Politis, Romano and Wolf, 1999).
///
/// Medians of half the rounds vary by a factor of the square root of two more than those of all. That is kept as a
/// margin for the variation between whole runs, which only other runs show. `None` for fewer than
/// four rounds or a median of zero.
#[must_use]
pub fn spread_of_halves(rounds: &[f64], seed: Seed) -> Option<f64> {
    let whole = median(rounds).filter(|median| *median != 0.0)?;
    let half = rounds.len() / 2;
    if half < 2 {
        return None;
    }
    let mut rng = Rng::with_seed(seed.0);
    let mut rounds = rounds.to_vec();
    let mut changes = Vec::with_capacity(DRAWS);
    for _ in 0..DRAWS {
        rng.shuffle(&mut rounds);
        let (one, other) = rounds.split_at(half);
        changes.push(((median(one)? - median(other)?) / whole).abs());
    }
    changes.sort_by(f64::total_cmp);
    quantile_of_sorted(&changes, SHARE)
}

/// The spread of the median change of as many pairs as there are figures, from starts of one program
/// in the order they were made: neighbours are A and A, as far apart in time as the sides of a pair.
/// Which of two comes first is random, so the sign of each change is drawn at random; 99 % of the medians are
/// smaller than the answer. `None` for fewer than four starts or a figure that is zero.
#[must_use]
pub fn spread_of_neighbours(starts: &[f64], seed: Seed) -> Option<f64> {
    if starts.len() < 4 {
        return None;
    }
    let change = |pair: &[f64]| match pair {
        [one, other] if *one != 0.0 => Some((other - one) / one.abs()),
        _ => None,
    };
    let changes: Vec<f64> = starts.windows(2).map(change).collect::<Option<_>>()?;
    let mut rng = Rng::with_seed(seed.0);
    let mut medians = Vec::with_capacity(DRAWS);
    for _ in 0..DRAWS {
        let drawn: Option<Vec<f64>> = (0..starts.len())
            .map(|_| {
                let change = changes.get(rng.usize(..changes.len()))?;
                Some(if rng.bool() { *change } else { -change })
            })
            .collect();
        medians.push(median(&drawn?)?.abs());
    }
    medians.sort_by(f64::total_cmp);
    quantile_of_sorted(&medians, SHARE)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_fence_lies_three_ranges_beyond_the_upper_quartile() {
        // Quartiles of 1..=10 are 3.25 and 7.75; the signs do not matter.
        let changes: Vec<f64> =
            (1..=10).map(|n| f64::from(if n % 2 == 0 { n } else { -n })).collect();
        assert_eq!(fence(&changes), Some(7.75 + 3.0 * 4.5));
        assert_eq!(fence(&changes[1..]), None);
    }

    /// Student's table: with 8 degrees of freedom 3.355 standard deviations are exceeded by 1 %.
    #[test]
    fn the_p_value_among_changes_is_that_of_students_t_test() {
        let logs: Vec<f64> = (0..12).map(|n| if n % 2 == 0 { 0.1 } else { -0.1 }).collect();
        for ratio in [0.3355_f64.exp(), (-0.3355_f64).exp()] {
            let p = p_value_among(&logs, ratio).unwrap();
            assert!((p - 0.01).abs() < 1e-4, "{p}");
        }
        assert_eq!(p_value_among(&logs, 1.0), Some(1.0));
        assert_eq!(p_value_among(&logs, 0.0), Some(0.0), "it fell to nothing");
        assert_eq!(p_value_among(&logs, -1.0), Some(1.0));
        assert_eq!(p_value_among(&[0.0; 10], 1.0), Some(1.0));
        assert_eq!(p_value_among(&[0.0; 10], 1.01), Some(0.0));
        assert_eq!(p_value_among(&[0.0; 9], 1.01), None);
        assert_eq!(logarithms(&[1.0, -1.0, -2.0, 0.0]), [2.0_f64.ln(), 0.0]);
    }

    #[test]
    fn changes_beyond_the_fence_do_not_raise_the_p_value() {
        let mut logs: Vec<f64> = (0..12).map(|n| if n % 2 == 0 { 0.1 } else { -0.1 }).collect();
        let before = p_value_among(&logs, 0.3);
        logs.push(0.3_f64.ln());
        assert_eq!(p_value_among(&logs, 0.3), before);
    }

    #[test]
    fn halves_of_four_rounds_differ_as_worked_out_by_hand() {
        // 98, 99, 101, 102: the halves differ by 3, 1 and 0 of 100, each a third of the time.
        let spread = spread_of_halves(&[98.0, 99.0, 101.0, 102.0], Seed(1)).unwrap();
        assert!((spread - 0.03).abs() < 1e-12, "{spread}");
        assert_eq!(spread_of_halves(&[5.0; 10], Seed(1)), Some(0.0));
        assert_eq!(spread_of_halves(&[1.0, 2.0, 3.0], Seed(1)), None);
        assert_eq!(spread_of_halves(&[0.0; 10], Seed(1)), None);
    }

    #[test]
    fn a_slow_drift_of_starts_is_not_their_spread() {
        // 1 % from start to start, 30 % over all.
        let starts: Vec<f64> = (0..30).map(|n| 1.01_f64.powi(n)).collect();
        let spread = spread_of_neighbours(&starts, Seed(1)).unwrap();
        assert!((0.009..=0.010_001).contains(&spread), "{spread}");
        assert_eq!(spread_of_neighbours(&[1.0, 2.0, 1.0], Seed(1)), None);
    }

    /// Of normal samples a median of n varies by 1.2533 σ/√n, the difference of two by √2 more; 99 %
    /// lie within 2.576 of it.
    #[test]
    fn the_spread_of_many_normal_rounds_is_that_of_theory() {
        let mut rng = fastrand::Rng::with_seed(3);
        let mut normal = || (0..12).map(|_| rng.f64()).sum::<f64>() - 6.0;
        let rounds: Vec<f64> = (0..400).map(|_| 100.0 + normal()).collect();
        let theory = 2.576 * 1.2533 * 2.0_f64.sqrt() / 200.0_f64.sqrt() / 100.0;
        let spread = spread_of_halves(&rounds, Seed(1)).unwrap();
        assert!((spread / theory - 1.0).abs() < 0.25, "{spread} {theory}");
    }
}
