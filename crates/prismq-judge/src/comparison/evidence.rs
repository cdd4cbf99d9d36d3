//! The evidence for a change, from the rounds of two sides or from pairs of starts: its interval, its p-value,
//! and how much the figures vary without a change.

use prismq_record::Metric;
use prismq_statistics::{
    Bounds, Seed, logarithms, median, median_of_ratios_interval, p_value_among, paired_p,
    rank_test, relative_change_interval, spread_of_halves, spread_of_neighbours,
};

use super::noise::Changes;

/// The confidence of a change's interval.
const LEVEL: f64 = 0.95;

/// The evidence for a change of one metric. What cannot be computed from the figures is absent.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Evidence {
    /// The relative change, if it differs from that of the two figures.
    pub(super) delta: Option<f64>,
    /// The interval of the true relative change.
    pub(super) interval: Option<Bounds>,
    /// The p-value: the probability of a shift at least this clear without a change.
    pub(super) p: Option<f64>,
    /// How much the metric varies without a change, from the spread of its figures.
    pub(super) spread: Option<f64>,
}

/// From the rounds of two runs, made one after the other, and from what is known about how much runs differ
/// without a change. Rounds of one run share the state of the machine, so that they alone would give too small
/// a p-value.
pub(super) fn of_rounds(
    before: &Metric,
    after: &Metric,
    known: Option<&Changes>,
    seed: Seed,
) -> Evidence {
    let (old, new) = (&before.samples, &after.samples);
    let ratio = after.value.zip(before.value).map(|(after, before)| after / before);
    let known = known.into_iter().flat_map(|known| [&known.control, &known.history]);
    let between_runs = known.filter_map(|changes| p_value_among(&logarithms(changes), ratio?));
    Evidence {
        delta: None,
        interval: relative_change_interval(old, new, LEVEL, seed),
        p: rank_test(old, new).map(|test| between_runs.fold(test.p, f64::max)),
        // Ten rounds may happen to agree; those of both sides seldom do.
        spread: [old, new]
            .iter()
            .filter_map(|rounds| spread_of_halves(rounds, seed))
            .max_by(f64::total_cmp),
    }
}

/// From pairs of starts, each a figure before and one after, in the order they were made. What affects both
/// starts of a pair alike cancels in their ratio.
pub(super) fn of_pairs(pairs: &[(f64, f64)], seed: Seed) -> Evidence {
    let before: Vec<f64> = pairs.iter().map(|(before, _)| *before).collect();
    let ratio = |(before, after): &(f64, f64)| {
        (*before != 0.0).then(|| 1.0 + (after - before) / before.abs())
    };
    let ratios: Option<Vec<f64>> = pairs.iter().map(ratio).collect();
    let ratios = ratios.unwrap_or_default();
    Evidence {
        delta: median(&ratios).map(|ratio| ratio - 1.0),
        interval: median_of_ratios_interval(&ratios, LEVEL, seed),
        p: paired_p(&ratios),
        spread: spread_of_neighbours(&before, seed),
    }
}
