//! The Universal Scalability Law, fitted to throughputs at several levels of concurrency.
//!
//! X(N) = λN / (1 + σ(N-1) + κN(N-1)): λ is what one worker would do, σ the share of work that waits
//! for its turn (contention), κ the cost of each pair agreeing (coherency). Gunther, *Guerrilla Capacity
//! Planning*, 2007, chapter 4. With κ > 0 throughput peaks at √((1-σ)/κ) workers.
//!
//! The fit is least squares of the relative error, since the noise of a throughput grows with it, with
//! σ and κ at least 0: from the law made linear, N/X = (1 + σ(N-1) + κN(N-1))/λ, by Gauss and Newton's
//! steps. The uncertainty is the bootstrap's: each level's rounds are drawn again and fitted anew.

mod law;
mod least_squares;

use fastrand::Rng;
use thiserror::Error;

use self::law::{Law, Point, fit_points};
use crate::Bounds;
use crate::bootstrap::{Seed, drawn_median, percentiles};
use crate::order::median;

/// The least levels for three parameters and a remaining degree of freedom.
const LEVELS_MIN: usize = 4;
/// How often the rounds are drawn again.
const DRAWS: usize = 500;
/// The confidence of the intervals.
const LEVEL: f64 = 0.95;

/// What was measured at one level of concurrency.
#[derive(Debug, Clone, PartialEq)]
pub struct Level {
    /// How many workers, callers or processes.
    pub workers: f64,
    /// The throughput of each round.
    pub throughputs: Vec<f64>,
}

/// A figure and its 95 % interval, where the rounds allow one.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Uncertain {
    /// The figure.
    pub value: f64,
    /// The interval of the true one.
    pub interval: Option<Bounds>,
}

/// Where throughput is largest.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Peak {
    /// Within the levels measured.
    Measured(Uncertain),
    /// Beyond them: predicted by the law, not measured.
    Extrapolated(Uncertain),
    /// Nowhere: without coherency cost throughput grows without end.
    None,
}

/// A fitted law.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Scaling {
    /// λ: throughput of one worker, in the throughputs' unit.
    pub lambda: Uncertain,
    /// σ: contention, from 0 to 1.
    pub sigma: Uncertain,
    /// κ: coherency.
    pub kappa: Uncertain,
    /// At how many workers throughput is largest.
    pub peak: Peak,
    /// Share of the spread of the throughputs that the law explains (R²).
    pub explained: f64,
    /// The largest level measured: what is drawn beyond is extrapolated.
    pub workers_max: f64,
}

impl Scaling {
    /// The throughput the law gives for this many workers.
    #[must_use]
    pub fn throughput(&self, workers: f64) -> f64 {
        self.law().throughput(workers)
    }

    /// The share of their ideal throughput λN that this many workers reach.
    #[must_use]
    pub fn efficiency(&self, workers: f64) -> f64 {
        self.throughput(workers) / (self.lambda.value * workers)
    }

    fn law(&self) -> Law {
        let (lambda, sigma, kappa) = (self.lambda.value, self.sigma.value, self.kappa.value);
        Law { lambda, sigma, kappa }
    }
}

/// Why a law cannot be fitted.
#[derive(Debug, Clone, PartialEq, Error)]
#[non_exhaustive]
pub enum UslError {
    /// Three parameters need more levels.
    #[error("{found} levels of concurrency are too few to fit, at least {LEVELS_MIN} are needed")]
    TooFewLevels {
        /// How many different ones there are.
        found: usize,
    },
    /// A level has no throughput, or one that is not positive.
    #[error("the throughput with {workers} workers is not positive")]
    NoThroughput {
        /// The level.
        workers: f64,
    },
    /// No law with these signs comes near the figures.
    #[error("no scalability law fits these throughputs")]
    NoFit,
}

/// Fits the law to levels in any order.
///
/// # Errors
/// [`UslError`] says why there is none.
pub fn fit(levels: &[Level], seed: Seed) -> Result<Scaling, UslError> {
    let points: Vec<Point> = levels.iter().map(Level::point).collect::<Result<_, _>>()?;
    let mut workers: Vec<f64> = points.iter().map(|point| point.workers).collect();
    workers.sort_by(f64::total_cmp);
    workers.dedup();
    if workers.len() < LEVELS_MIN {
        return Err(UslError::TooFewLevels { found: workers.len() });
    }
    let workers_max = workers.last().copied().unwrap_or_default();
    let law = fit_points(&points).ok_or(UslError::NoFit)?;
    let drawn = redrawn(levels, seed);
    let uncertain = |value: f64, of: fn(&Law) -> f64| Uncertain {
        value,
        interval: drawn.as_ref().and_then(|laws| percentiles(laws.iter().map(of).collect(), LEVEL)),
    };
    let peak = match law.peak() {
        peak if peak.is_infinite() => Peak::None,
        peak => {
            // A draw without a peak puts the end of the interval beyond every number.
            let peak = uncertain(peak, Law::peak);
            if peak.value <= workers_max { Peak::Measured(peak) } else { Peak::Extrapolated(peak) }
        }
    };
    Ok(Scaling {
        lambda: uncertain(law.lambda, |law| law.lambda),
        sigma: uncertain(law.sigma, |law| law.sigma),
        kappa: uncertain(law.kappa, |law| law.kappa),
        peak,
        explained: law.explained(&points),
        workers_max,
    })
}

impl Level {
    fn point(&self) -> Result<Point, UslError> {
        let throughput = median(&self.throughputs).filter(|throughput| *throughput > 0.0);
        let throughput = throughput.ok_or(UslError::NoThroughput { workers: self.workers })?;
        Ok(Point { workers: self.workers, throughput })
    }
}

/// The laws of resampled rounds; `None` if a level has only one round, whose resampling would show no spread.
fn redrawn(levels: &[Level], seed: Seed) -> Option<Vec<Law>> {
    if levels.iter().any(|level| level.throughputs.len() < 2) {
        return None;
    }
    let mut rng = Rng::with_seed(seed.0);
    let mut laws = Vec::with_capacity(DRAWS);
    for _ in 0..DRAWS {
        let point = |level: &Level| {
            let throughput = drawn_median(&mut rng, &level.throughputs)?;
            Some(Point { workers: level.workers, throughput })
        };
        let points: Vec<Point> = levels.iter().map(point).collect::<Option<_>>()?;
        laws.extend(fit_points(&points));
    }
    Some(laws)
}

#[cfg(test)]
mod tests {
    use super::*;

    const LADDER: [f64; 8] = [1.0, 2.0, 5.0, 10.0, 15.0, 20.0, 32.0, 64.0];
    const SEED: Seed = Seed(1);

    /// Ten rounds a level, each off by up to `noise`.
    fn levels(lambda: f64, sigma: f64, kappa: f64, noise: f64) -> Vec<Level> {
        let law = Law { lambda, sigma, kappa };
        let mut rng = Rng::with_seed(9);
        let mut off = || 1.0 + noise * (2.0 * rng.f64() - 1.0);
        let level = |workers: &f64| Level {
            workers: *workers,
            throughputs: (0..10).map(|_| law.throughput(*workers) * off()).collect(),
        };
        LADDER.iter().map(level).collect()
    }

    #[track_caller]
    fn close(found: f64, expected: f64, error: f64) {
        assert!((found - expected).abs() <= error, "{found} instead of {expected}");
    }

    #[test]
    fn parameters_without_noise_are_found_exactly() {
        let found = fit(&levels(1000.0, 0.05, 0.0005, 0.0), SEED).unwrap();
        close(found.lambda.value, 1000.0, 1e-3);
        close(found.sigma.value, 0.05, 1e-8);
        close(found.kappa.value, 0.0005, 1e-10);
        close(found.explained, 1.0, 1e-9);
        let Peak::Measured(peak) = found.peak else { panic!("{:?}", found.peak) };
        close(peak.value, (0.95_f64 / 0.0005).sqrt(), 1e-4);
        close(found.efficiency(10.0), 1.0 / (1.0 + 0.05 * 9.0 + 0.0005 * 90.0), 1e-9);
    }

    #[test]
    fn parameters_with_noise_lie_in_their_intervals() {
        let found = fit(&levels(1000.0, 0.05, 0.0005, 0.1), SEED).unwrap();
        for (uncertain, truth, error) in [
            (found.lambda, 1000.0, 100.0),
            (found.sigma, 0.05, 0.03),
            (found.kappa, 0.0005, 0.0002),
        ] {
            close(uncertain.value, truth, error);
            assert!(uncertain.interval.unwrap().contains(truth), "{uncertain:?} {truth}");
        }
        let Peak::Measured(peak) = found.peak else { panic!("{:?}", found.peak) };
        assert!(peak.interval.unwrap().contains((0.95_f64 / 0.0005).sqrt()), "{peak:?}");
    }

    #[test]
    fn a_peak_beyond_the_levels_is_extrapolated() {
        let found = fit(&levels(1000.0, 0.02, 0.00005, 0.0), SEED).unwrap();
        let Peak::Extrapolated(peak) = found.peak else { panic!("{:?}", found.peak) };
        close(peak.value, (0.98_f64 / 0.00005).sqrt(), 0.01);
        assert_eq!(found.workers_max, 64.0);
    }

    #[test]
    fn without_coherency_cost_there_is_no_peak() {
        // Amdahl's law, and a system that scales without loss.
        for (sigma, expected) in [(0.9, 0.9), (0.0, 0.0)] {
            let found = fit(&levels(1000.0, sigma, 0.0, 0.0), SEED).unwrap();
            close(found.sigma.value, expected, 1e-6);
            // What rounding leaves of κ puts the peak beyond any machine.
            let far = matches!(found.peak, Peak::None)
                || matches!(found.peak, Peak::Extrapolated(peak) if peak.value > 1e4);
            assert!(far, "{found:?}");
        }
    }

    #[test]
    fn better_than_linear_throughput_has_no_contention_below_zero() {
        let level = |workers: &f64| Level {
            workers: *workers,
            throughputs: vec![100.0 * workers.powf(1.1); 3],
        };
        let levels: Vec<Level> = LADDER.iter().map(level).collect();
        let found = fit(&levels, SEED).unwrap();
        assert_eq!((found.sigma.value, found.kappa.value), (0.0, 0.0));
        assert_eq!(found.peak, Peak::None);
    }

    /// The SPEC SDM91 figures of *Guerrilla Capacity Planning*, whose fit has σ = 0.0277 and
    /// κ = 0.000104 with λ held to the throughput of one, and its peak at 96.5. With λ free no fit may
    /// be worse.
    #[test]
    fn published_throughputs_are_fitted_no_worse_than_the_book_does() {
        let measured = [
            (1.0, 64.9),
            (18.0, 995.9),
            (36.0, 1652.4),
            (72.0, 1853.2),
            (108.0, 1828.9),
            (144.0, 1775.0),
            (216.0, 1702.2),
        ];
        let published = Law { lambda: 64.9, sigma: 0.0277, kappa: 0.000_104 };
        close(published.peak(), 96.5, 0.5);
        let level =
            |(workers, throughput): (f64, f64)| Level { workers, throughputs: vec![throughput] };
        let found = fit(&measured.map(level), SEED).unwrap();
        let points = measured.map(|(workers, throughput)| Point { workers, throughput });
        assert!(found.law().error(&points) <= published.error(&points), "{found:?}");
        assert!(found.explained > 0.97, "{found:?}");
        let Peak::Measured(peak) = found.peak else { panic!("{:?}", found.peak) };
        close(peak.value, 96.5, 20.0);
        assert_eq!(peak.interval, None);
    }

    #[test]
    fn levels_that_cannot_be_fitted_are_an_error() {
        let three = levels(1000.0, 0.1, 0.0, 0.0).into_iter().take(3).collect::<Vec<_>>();
        assert_eq!(fit(&three, SEED), Err(UslError::TooFewLevels { found: 3 }));
        let same = vec![Level { workers: 2.0, throughputs: vec![5.0] }; 9];
        assert_eq!(fit(&same, SEED), Err(UslError::TooFewLevels { found: 1 }));
        let mut stuck = levels(1000.0, 0.1, 0.0, 0.0);
        stuck[3].throughputs = vec![0.0];
        assert_eq!(fit(&stuck, SEED), Err(UslError::NoThroughput { workers: 10.0 }));
    }
}
