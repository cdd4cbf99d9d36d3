//! Queues of one class, by one figure: each in relation to the best.

use prismq_record::{Contender, Direction, VersusFigure};
use prismq_statistics::{Bounds, Seed, median, relative_change_interval};

/// The confidence of intervals.
pub(super) const LEVEL: f64 = 0.95;
/// The same record gives the same intervals.
const SEED: Seed = Seed(1);

/// A figure of one queue.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Place {
    /// Its median.
    pub(super) median: f64,
    /// The median divided by that of the best; 1 for the best.
    pub(super) ratio: f64,
    /// The interval of the ratio; `None` for the best, and where too few rounds were measured.
    pub(super) interval: Option<Bounds>,
}

/// The figure of this workload and metric.
pub(super) fn figure<'a>(
    contender: &'a Contender,
    workload: &str,
    metric: &str,
) -> Option<&'a VersusFigure> {
    let mut figures = contender.figures.iter();
    figures.find(|figure| figure.workload == workload && figure.metric == metric)
}

/// The places of these queues, in their order; `None` for one without this figure.
pub(super) fn places(
    contenders: &[&Contender],
    workload: &str,
    metric: &str,
) -> Vec<Option<Place>> {
    let figures: Vec<Option<&VersusFigure>> =
        contenders.iter().map(|contender| figure(contender, workload, metric)).collect();
    let medians = figures.iter().map(|figure| median(&figure.as_ref()?.samples));
    let medians: Vec<Option<f64>> = medians.collect();
    let best =
        figures.iter().zip(&medians).filter_map(|(figure, median)| Some(((*figure)?, (*median)?)));
    let best = best.reduce(|best, other| {
        let is_better = match best.0.direction {
            Direction::Higher => other.1 > best.1,
            Direction::Lower => other.1 < best.1,
        };
        if is_better { other } else { best }
    });
    let Some((best, best_median)) = best else { return vec![None; contenders.len()] };
    let place = |(figure, median): (&Option<&VersusFigure>, &Option<f64>)| {
        let (figure, median) = ((*figure)?, (*median)?);
        let is_best = std::ptr::eq(figure, best);
        let interval = if is_best {
            None
        } else {
            relative_change_interval(&best.samples, &figure.samples, LEVEL, SEED)
        };
        let interval = interval
            .map(|Bounds { lower, upper }| Bounds { lower: 1.0 + lower, upper: 1.0 + upper });
        // Of two that take nothing, neither is the best.
        let ratio = if is_best || median == best_median { 1.0 } else { median / best_median };
        Some(Place { median, ratio, interval })
    };
    figures.iter().zip(&medians).map(place).collect()
}
