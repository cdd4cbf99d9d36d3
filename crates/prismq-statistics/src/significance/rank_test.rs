//! Whether one set of figures is shifted against another: the rank sum test of Wilcoxon, and of Mann
//! and Whitney (*On a Test of Whether One of Two Random Variables is Stochastically Larger than the
//! Other*, 1947). It looks at the order of the figures only, so that an outlier counts for no more than
//! being the largest, and assumes nothing about their distribution.

use crate::distribution::normal_two_sided;

/// Up to this many figures the p-value is computed exactly, beyond by the normal approximation, which by then
/// differs in the third digit.
const EXACT_MAX: usize = 60;

/// The outcome of a rank sum test.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct RankTest {
    /// The two-sided p-value.
    pub p: f64,
    /// Cliff's delta (*Dominance Statistics*, 1993): the probability that a figure after is larger than one
    /// before, less the probability that it is smaller. From -1 to 1.
    pub delta: f64,
}

/// Tests whether `after` is shifted against `before`. `None` if a side is empty.
#[must_use]
pub fn rank_test(before: &[f64], after: &[f64]) -> Option<RankTest> {
    if before.is_empty() || after.is_empty() {
        return None;
    }
    let (ranks, ties) = doubled_ranks(before, after);
    let sum: usize = ranks.iter().skip(before.len()).sum();
    let (n, m, all) = (before.len() as f64, after.len() as f64, ranks.len());
    // Twice the number of pairs in which the figure after is larger, ties counted half.
    let larger = sum as f64 - m * (m + 1.0);
    let delta = larger / (n * m) - 1.0;
    let p = if all <= EXACT_MAX {
        exact(&ranks, after.len(), sum)
    } else {
        approximate(n, m, larger / 2.0, ties)
    };
    Some(RankTest { p, delta })
}

/// Twice the rank of each figure, `before` first, and the sum of t³ - t over groups of t equal ones.
/// Equal figures share the mean of their ranks; doubled, it is whole.
fn doubled_ranks(before: &[f64], after: &[f64]) -> (Vec<usize>, f64) {
    let all: Vec<f64> = before.iter().chain(after).copied().collect();
    let mut sorted = all.clone();
    sorted.sort_by(f64::total_cmp);
    let below = |figure: f64| sorted.partition_point(|other| *other < figure);
    let up_to = |figure: f64| sorted.partition_point(|other| *other <= figure);
    let ranks = all.iter().map(|figure| below(*figure) + up_to(*figure) + 1).collect();
    // A group of t is met t times, each time with a t-th of its t³ - t.
    let equal = |figure: &f64| (up_to(*figure) - below(*figure)) as f64;
    let ties = all.iter().map(|figure| equal(figure).powi(2) - 1.0).sum();
    (ranks, ties)
}

/// The share of all choices of `chosen` of the ranks whose sum is as far from the mean: the shift
/// algorithm of Streitberg and Röhmel (1986), which allows for ties.
fn exact(ranks: &[usize], chosen: usize, sum: usize) -> f64 {
    let total: usize = ranks.iter().sum();
    // ways[k][s]: how many choices of k ranks have the sum s.
    let mut ways = vec![vec![0.0_f64; total + 1]; chosen + 1];
    if let Some(none) = ways.first_mut().and_then(|sums| sums.first_mut()) {
        *none = 1.0;
    }
    for rank in ranks {
        for count in (1..=chosen).rev() {
            let Some((fewer, these)) = ways.split_at_mut_checked(count) else { continue };
            let (Some(fewer), Some(these)) = (fewer.last(), these.first_mut()) else { continue };
            for (target, source) in these.iter_mut().skip(*rank).zip(fewer) {
                *target += source;
            }
        }
    }
    let Some(sums) = ways.last() else { return 1.0 };
    let mean = total as f64 * chosen as f64 / ranks.len() as f64;
    let distance = (sum as f64 - mean).abs() - 1e-9;
    let all: f64 = sums.iter().sum();
    let far = sums.iter().enumerate().filter(|(sum, _)| (*sum as f64 - mean).abs() >= distance);
    far.map(|(_, ways)| ways).sum::<f64>() / all
}

/// By the normal distribution, with the corrections for continuity and ties.
fn approximate(n: f64, m: f64, larger: f64, ties: f64) -> f64 {
    let all = n + m;
    let variance = n * m / 12.0 * (all + 1.0 - ties / (all * (all - 1.0)));
    if variance <= 0.0 {
        return 1.0;
    }
    let distance = ((larger - n * m / 2.0).abs() - 0.5).max(0.0) / variance.sqrt();
    normal_two_sided(distance)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn close(found: f64, expected: f64) {
        assert!((found - expected).abs() < 1e-6, "{found} instead of {expected}");
    }

    #[test]
    fn disjoint_sides_have_the_smallest_p_value() {
        let before: Vec<f64> = (0..10).map(f64::from).collect();
        let after: Vec<f64> = (20..30).map(f64::from).collect();
        // Two of the 184 756 choices of 10 from 20.
        let test = rank_test(&before, &after).unwrap();
        close(test.p, 2.0 / 184_756.0);
        close(test.delta, 1.0);
        close(rank_test(&after, &before).unwrap().delta, -1.0);
    }

    /// The permeability of the amnion at term and at 12 to 26 weeks: Hollander and Wolfe,
    /// *Nonparametric Statistical Methods*, example 4.1, one-sided 0.1272 (two-sided 0.2544).
    #[test]
    fn the_p_value_is_that_of_the_textbook() {
        let term = [0.80, 0.83, 1.89, 1.04, 1.45, 1.38, 1.91, 1.64, 0.73, 1.46];
        let early = [1.15, 0.88, 0.90, 0.74, 1.21];
        assert!((rank_test(&term, &early).unwrap().p - 0.2544).abs() < 1e-4);
    }

    #[test]
    fn equal_figures_share_their_ranks() {
        // Of {1, 2} and {2, 3} the sums of two of the ranks 1, 2.5, 2.5, 4 are 3.5 twice, 5 twice and
        // 6.5 twice; 6.5 was found.
        let test = rank_test(&[1.0, 2.0], &[2.0, 3.0]).unwrap();
        close(test.p, 4.0 / 6.0);
        close(test.delta, 0.75);
        close(rank_test(&[5.0; 40], &[5.0; 40]).unwrap().p, 1.0);
        close(rank_test(&[5.0; 4], &[5.0; 4]).unwrap().p, 1.0);
        assert_eq!(rank_test(&[], &[1.0]), None);
    }

    #[test]
    fn many_figures_have_nearly_the_exact_p_value() {
        let before: Vec<f64> = (0..30).map(|n| f64::from(n) * 2.0).collect();
        let shifted = |by: f64| before.iter().map(|figure| figure + by).collect::<Vec<f64>>();
        let exact = rank_test(&before, &shifted(15.0)).unwrap().p;
        let (ranks, ties) = doubled_ranks(&before, &shifted(15.0));
        let sum: usize = ranks.iter().skip(30).sum();
        let larger = (sum as f64 - 30.0 * 31.0) / 2.0;
        let approximate = approximate(30.0, 30.0, larger, ties);
        assert!((exact - approximate).abs() < 0.002, "{exact} {approximate}");
    }
}
