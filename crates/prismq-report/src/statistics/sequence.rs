//! Intervals that may be looked at again and again while rounds are added, for many figures at once.
//!
//! Who looks at a sample after each addition and stops when it pleases is wrong more often than the level
//! of one interval says. So each look is given a part of the chance to be wrong, the `k`-th
//! `1 / (k (k + 1))` of it, which come to 1 over all looks there may ever be: the chance is spent as by
//! Lan and DeMets (*Discrete sequential boundaries for clinical trials*, Biometrika 70, 1983), and by the
//! union bound, which holds however the looks depend on each other (as in Darling and Robbins, *Confidence
//! sequences for mean, variance, and median*, PNAS 58, 1967). The figures of a family share it alike
//! (Bonferroni). An interval is that of Student's t around a median.

use statrs::distribution::{ContinuousCDF as _, StudentsT};

use super::Bounds;
use super::order::median;

/// The variance of a median of normally distributed rounds over that of their mean (Kendall and Stuart,
/// *The Advanced Theory of Statistics*, volume 1, section 14.6).
const VARIANCE_OF_MEDIAN: f64 = std::f64::consts::FRAC_PI_2;

/// How many times more the figures of whole runs vary than those of independent rounds would: the design
/// effect of rounds that share what the machine did (Kish, *Survey Sampling*, 1965, section 8.2). In 25
/// recorded runs the figures that have targets lie 1.5 times as far from those of all runs as independent
/// rounds would, which is this in terms of the variance, rounded up for what was not recorded.
const DESIGN_EFFECT: f64 = 2.0;

/// What runs differ by however closely their rounds agree, as a share of the figure: of the recorded
/// ratios, whose rounds vary by 0.3 %, half of the runs are off by as much.
pub const BETWEEN_RUNS: f64 = 0.005;

/// A figure of several rounds and how far it may be off.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Estimate {
    /// The figure.
    pub figure: f64,
    /// Its standard deviation from run to run; 0 where all rounds are equal.
    pub deviation: f64,
    /// The rounds it rests on.
    pub rounds: usize,
}

impl Estimate {
    /// The median of rounds; `between` is the standard deviation of whole runs, in the rounds' unit. `None`
    /// for fewer than two rounds, of which no spread is known.
    #[must_use]
    pub fn of_median(rounds: &[f64], between: f64) -> Option<Self> {
        let count = rounds.len();
        if count < 2 {
            return None;
        }
        let mean = rounds.iter().sum::<f64>() / count as f64;
        let squares: f64 = rounds.iter().map(|round| (round - mean).powi(2)).sum();
        let variance = squares / (count - 1) as f64;
        Self::of(median(rounds)?, VARIANCE_OF_MEDIAN * variance / count as f64, between, count)
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

    /// Where the true figure lies: beyond either end with the chance `tail`.
    #[must_use]
    pub fn interval(&self, tail: f64) -> Option<Bounds> {
        if self.deviation == 0.0 {
            return Some(Bounds { lower: self.figure, upper: self.figure });
        }
        let student = StudentsT::new(0.0, 1.0, (self.rounds - 1) as f64).ok()?;
        let reach = -student.inverse_cdf(tail) * self.deviation;
        Some(Bounds { lower: self.figure - reach, upper: self.figure + reach })
    }
}

/// The chance that an interval may leave out the true figure on one side at its look number `look`, from
/// 1, for the intervals of `figures` figures to hold at all looks with the chance `1 - level` on that side.
#[must_use]
pub fn tail_at_look(level: f64, figures: usize, look: u64) -> f64 {
    let look = look.max(1) as f64;
    level / (figures.max(1) as f64 * look * (look + 1.0))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_looks_there_may_ever_be_share_the_level() {
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

    #[test]
    fn a_median_varies_by_its_rounds_and_by_whole_runs() {
        // The variance of these is 11 / 3.
        let rounds = [1.0, 1.0, 3.0, 5.0];
        let variance = 2.0 * std::f64::consts::FRAC_PI_2 * (11.0 / 3.0) / 4.0;
        let estimate = Estimate::of_median(&rounds, 2.0).unwrap();
        assert_eq!((estimate.figure, estimate.rounds), (2.0, 4));
        assert!((estimate.deviation - (variance + 4.0).sqrt()).abs() < 1e-12, "{estimate:?}");
    }

    #[test]
    fn rounds_that_are_all_equal_leave_no_doubt_and_one_tells_nothing() {
        let exact = Estimate::of_median(&[7.0; 3], 1.0).unwrap();
        assert_eq!(exact.interval(1e-9), Some(Bounds { lower: 7.0, upper: 7.0 }));
        assert_eq!(Estimate::of_median(&[7.0], 1.0), None);
        assert_eq!(Estimate::of_median(&[7.0, f64::INFINITY], 1.0), None);
    }
}
