//! The law itself, and the least squares fit of its parameters.

use super::least_squares::solve;

/// Steps from the linear start; a handful is enough where there is an answer.
const STEPS_MAX: usize = 50;

/// The throughput at one level.
#[derive(Debug, Clone, Copy)]
pub(super) struct Point {
    pub(super) workers: f64,
    pub(super) throughput: f64,
}

/// The parameters of a law.
#[derive(Debug, Clone, Copy)]
pub(super) struct Law {
    pub(super) lambda: f64,
    pub(super) sigma: f64,
    pub(super) kappa: f64,
}

impl Law {
    fn slowdown(&self, workers: f64) -> f64 {
        1.0 + self.sigma * (workers - 1.0) + self.kappa * workers * (workers - 1.0)
    }

    /// The throughput of this many workers.
    pub(super) fn throughput(&self, workers: f64) -> f64 {
        self.lambda * workers / self.slowdown(workers)
    }

    /// Where throughput is largest; infinite without coherency.
    pub(super) fn peak(&self) -> f64 {
        ((1.0 - self.sigma) / self.kappa).max(0.0).sqrt().max(1.0)
    }

    fn is_sound(&self) -> bool {
        self.lambda > 0.0 && self.sigma >= 0.0 && self.kappa >= 0.0 && self.lambda.is_finite()
    }

    /// Sum of the squares of the relative errors.
    pub(super) fn error(&self, points: &[Point]) -> f64 {
        let error = |point: &Point| self.throughput(point.workers) / point.throughput - 1.0;
        points.iter().map(|point| error(point).powi(2)).sum()
    }

    /// R²: the share of the spread of the throughputs that the law explains.
    pub(super) fn explained(&self, points: &[Point]) -> f64 {
        let mean = points.iter().map(|point| point.throughput).sum::<f64>() / points.len() as f64;
        let spread: f64 = points.iter().map(|point| (point.throughput - mean).powi(2)).sum();
        let left = |point: &Point| (point.throughput - self.throughput(point.workers)).powi(2);
        1.0 - points.iter().map(left).sum::<f64>() / spread
    }
}

/// The best law with no parameter below zero. Where the best of all would have one, the best of those
/// that may is one without that parameter, so these are tried as well.
pub(super) fn fit_points(points: &[Point]) -> Option<Law> {
    let free = [[true, true, true], [true, true, false], [true, false, true], [true, false, false]];
    let laws = free.iter().filter_map(|free| fit_free(points, *free)).filter(Law::is_sound);
    laws.min_by(|one, other| one.error(points).total_cmp(&other.error(points)))
}

/// The best law in the parameters that are free; the others are zero.
fn fit_free(points: &[Point], free: [bool; 3]) -> Option<Law> {
    let mut law = linear_start(points, free)?;
    let mut error = law.error(points);
    for _ in 0..STEPS_MAX {
        let rows: Vec<([f64; 3], f64)> = points.iter().map(|point| gradient(&law, point)).collect();
        let [lambda, sigma, kappa] = solve(&rows, free)?;
        // Half a step, a quarter ... until it leads downhill.
        let stride = (0..20).map(|halvings| 0.5_f64.powi(halvings)).find_map(|share| {
            let next = Law {
                lambda: law.lambda * (1.0 + share * lambda),
                sigma: law.sigma + share * sigma,
                kappa: law.kappa + share * kappa,
            };
            let reached = next.error(points);
            (reached < error).then_some((next, reached))
        });
        let Some((next, reached)) = stride else { break };
        let gained = (error - reached) / error;
        (law, error) = (next, reached);
        if gained < 1e-12 {
            break;
        }
    }
    Some(law)
}

/// The linear law N/X = (1 + σ(N-1) + κN(N-1))/λ, each row over its own N/X.
fn linear_start(points: &[Point], free: [bool; 3]) -> Option<Law> {
    let row = |point: &Point| {
        let (workers, scale) = (point.workers, point.throughput / point.workers);
        ([scale, scale * (workers - 1.0), scale * workers * (workers - 1.0)], 1.0)
    };
    let rows: Vec<([f64; 3], f64)> = points.iter().map(row).collect();
    let [inverse, sigma, kappa] = solve(&rows, free)?;
    let law = Law { lambda: 1.0 / inverse, sigma: sigma / inverse, kappa: kappa / inverse };
    (inverse > 0.0).then_some(law)
}

/// How a point's relative error changes with ln λ, σ and κ, and what it lacks.
fn gradient(law: &Law, point: &Point) -> ([f64; 3], f64) {
    let ratio = law.throughput(point.workers) / point.throughput;
    let share = ratio / law.slowdown(point.workers);
    let workers = point.workers;
    ([ratio, -share * (workers - 1.0), -share * workers * (workers - 1.0)], 1.0 - ratio)
}
