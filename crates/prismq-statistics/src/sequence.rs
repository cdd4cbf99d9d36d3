//! Intervals that hold for any number of interim looks while rounds are added, for many figures at once.
//!
//! Looking at a sample after each addition and stopping at will is wrong more often than the level of one
//! interval. So each look gets a part of the error probability, the `k`-th `1 / (k (k + 1))` of it, which sum up
//! to 1 over all looks: alpha spending as by Lan and DeMets (*Discrete sequential boundaries for clinical trials*, Biometrika 70, 1983), and by the
//! union bound, which holds however the looks depend on each other (as in Darling and Robbins, *Confidence
//! sequences for mean, variance, and median*, PNAS 58, 1967). The figures of a family share it
//! equally (Bonferroni). An interval is that of Student's t around a trimmed mean (Tukey and McLaughlin, *Less
//! vulnerable confidence and significance procedures for location based on a single sample*, Sankhya A 25,
//! 1963; Wilcox, *Introduction to Robust Estimation and Hypothesis Testing*, section 4.3): now and then a
//! round is far off, and one such round must neither change the figure nor widen the interval.

use super::Bounds;
use super::distribution::student_reach;
use super::order::median;

/// The share of rounds trimmed on each side.
const TRIMMED: f64 = 0.1;

/// The least rounds of which any are trimmed.
const TRIMMED_FROM: usize = 5;

/// How many times more the figures of whole runs vary than those of independent rounds would: the design
/// effect of rounds that share what the machine did (Kish, *Survey Sampling*, 1965, section 8.2). The figures
/// that have targets lie 1.1 times as far from those of all runs as independent rounds would in five recorded
/// whole runs, and 1.6 times in twenty starts one after the other; this is the square of 1.4.
const DESIGN_EFFECT: f64 = 2.0;

/// The variance of a median of normally distributed votes over that of their mean (Kendall and Stuart, *The
/// Advanced Theory of Statistics*, volume 1, section 14.6).
const VARIANCE_OF_MEDIAN: f64 = std::f64::consts::FRAC_PI_2;

/// The least standard deviation between whole runs, as a share of the figure, however closely their rounds
/// agree: of the recorded ratios, whose rounds vary by 0.3 %, half of the runs differ by as much.
pub const BETWEEN_RUNS: f64 = 0.005;

/// A figure of several rounds and its standard deviation.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Estimate {
    /// The figure.
    pub figure: f64,
    /// Its standard deviation from run to run; 0 where all rounds are equal.
    pub deviation: f64,
    /// The rounds it is computed from, without those trimmed.
    pub rounds: usize,
}

impl Estimate {
    /// The trimmed mean of rounds; `between` is the standard deviation of whole runs, in the rounds' unit.
    /// `None` for fewer than two rounds, of which no spread is known.
    #[must_use]
    pub fn of_rounds(rounds: &[f64], between: f64) -> Option<Self> {
        let (figure, variance, kept) = trimmed(rounds)?;
        Self::of(figure, variance, between, kept)
    }

    /// The median of votes that do not depend on each other; `between` is the standard deviation of what
    /// they have in common, which counts even where all agree. `None` for fewer than two.
    #[must_use]
    pub fn of_votes(votes: &[f64], between: f64) -> Option<Self> {
        let (_, variance, rounds) = trimmed(votes)?;
        let deviation = (VARIANCE_OF_MEDIAN * variance + between * between).sqrt();
        Some(Self { figure: median(votes)?, deviation, rounds })
    }

    /// A figure whose variance would be this if the rounds were independent.
    #[must_use]
    pub fn of(figure: f64, variance: f64, between: f64, rounds: usize) -> Option<Self> {
        let deviation = if variance > 0.0 {
            (DESIGN_EFFECT * variance + between * between).sqrt()
        } else {
            0.0
        };
        (figure.is_finite() && deviation.is_finite() && rounds > 1).then_some(Self {
            figure,
            deviation,
            rounds,
        })
    }

    /// The interval of the true figure, which lies beyond either end with probability `tail`.
    #[must_use]
    pub fn interval(&self, tail: f64) -> Option<Bounds> {
        if self.deviation == 0.0 {
            return Some(Bounds { lower: self.figure, upper: self.figure });
        }
        let reach = student_reach(tail, (self.rounds - 1) as f64)? * self.deviation;
        Some(Bounds { lower: self.figure - reach, upper: self.figure + reach })
    }
}

/// The trimmed mean of samples, its variance from the winsorized one, and how many samples are kept.
fn trimmed(samples: &[f64]) -> Option<(f64, f64, usize)> {
    let mut sorted = samples.to_vec();
    sorted.sort_by(f64::total_cmp);
    let count = sorted.len();
    let share = (TRIMMED * count as f64) as usize;
    let out = if count < TRIMMED_FROM { 0 } else { share.max(1) };
    let kept = sorted.get(out..count.checked_sub(out)?)?;
    let (lowest, highest) = (*kept.first()?, *kept.last()?);
    if kept.len() < 2 {
        return None;
    }
    let figure = kept.iter().sum::<f64>() / kept.len() as f64;
    let winsorized = || sorted.iter().map(|sample| sample.clamp(lowest, highest));
    let mean = winsorized().sum::<f64>() / count as f64;
    let squares: f64 = winsorized().map(|sample| (sample - mean).powi(2)).sum();
    // Over the square of the share kept.
    let scale = (count as f64 / kept.len() as f64).powi(2);
    let variance = scale * squares / (count - 1) as f64 / count as f64;
    (figure.is_finite() && variance.is_finite()).then_some((figure, variance, kept.len()))
}

/// The probability with which an interval may miss the true figure on one side at look number `look`, counted from
/// 1, for the intervals of `figures` figures to hold at all looks with probability `1 - level` on that side.
#[must_use]
pub fn tail_at_look(level: f64, figures: usize, look: u64) -> f64 {
    let look = look.max(1) as f64;
    level / (figures.max(1) as f64 * look * (look + 1.0))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_looks_together_spend_the_level() {
        let all: f64 = (1..=100_000).map(|look| 60.0 * tail_at_look(0.01, 60, look)).sum();
        assert!((all - 0.01).abs() < 1e-6, "{all}");
        assert_eq!(tail_at_look(0.01, 1, 1), 0.005);
        assert_eq!(tail_at_look(0.01, 0, 0), 0.005, "no look is the first");
    }

    /// The quantiles of Student's t are those of the tables: 4.781 of 9 degrees of freedom at 0.0005.
    #[test]
    fn an_interval_is_that_of_students_t() {
        let estimate = Estimate { figure: 100.0, deviation: 2.0, rounds: 10 };
        let interval = estimate.interval(0.0005).unwrap();
        assert!((interval.upper - 109.562).abs() < 0.002, "{interval:?}");
        assert!((interval.lower - 90.438).abs() < 0.002, "{interval:?}");
    }

    /// Of 1, 2, ..., 9, 100 the first and the last are left out: 5.5 is the mean of the others, and
    /// the squares of 2, 2, 3, ..., 9, 9 around theirs sum up to 66.5.
    #[test]
    fn an_outlier_changes_nothing() {
        let near: Vec<f64> = (1..=10).map(f64::from).collect();
        let far: Vec<f64> = (1..=9).map(f64::from).chain([100.0]).collect();
        let estimate = Estimate::of_rounds(&far, 2.0).unwrap();
        assert_eq!(Estimate::of_rounds(&near, 2.0), Some(estimate));
        assert_eq!((estimate.figure, estimate.rounds), (5.5, 8));
        let variance: f64 = 2.0 * (66.5 / 9.0) / 10.0 / 0.64 + 4.0;
        assert!((estimate.deviation - variance.sqrt()).abs() < 1e-12, "{estimate:?}");
    }

    #[test]
    fn votes_that_agree_keep_their_common_deviation() {
        let estimate = Estimate::of_votes(&[0.2; 6], 0.03).unwrap();
        assert_eq!((estimate.figure, estimate.deviation), (0.2, 0.03));
    }

    #[test]
    fn equal_rounds_have_an_interval_of_no_width_and_one_round_has_none() {
        let exact = Estimate::of_rounds(&[7.0; 3], 1.0).unwrap();
        assert_eq!(exact.interval(1e-9), Some(Bounds { lower: 7.0, upper: 7.0 }));
        assert_eq!(Estimate::of_rounds(&[7.0], 1.0), None);
        assert_eq!(Estimate::of_rounds(&[7.0, f64::INFINITY], 1.0), None);
    }
}
