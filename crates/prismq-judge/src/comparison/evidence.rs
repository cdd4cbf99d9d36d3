//! What the rounds of two sides, or pairs of starts, say of a change: its interval, the chance that it
//! is none, and how much the baseline moves by itself.

use prismq_record::Metric;
use prismq_statistics::{
    Bounds, Seed, chance_among, logarithms, median, median_of_ratios_interval, paired_p, rank_test,
    relative_change_interval, spread_of_halves, spread_of_neighbours,
};

use super::noise::Changes;

/// The confidence of a change's interval.
const LEVEL: f64 = 0.95;

/// What speaks for a change of one metric. What the figures do not allow to be told is absent.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Evidence {
    /// The relative change, where it is another than that of the two figures.
    pub(super) delta: Option<f64>,
    /// Where the true relative change lies.
    pub(super) interval: Option<Bounds>,
    /// The chance of a shift at least so clear where there is none.
    pub(super) p: Option<f64>,
    /// What the metric moves by where nothing changed, from the figures' own spread.
    pub(super) spread: Option<f64>,
}

/// From the rounds of two runs, made one after the other, and from what is known of how much runs differ
/// where nothing changed. Rounds of one run share what the machine did meanwhile, so that they alone would
/// be too sure of themselves.
pub(super) fn of_rounds(
    before: &Metric,
    after: &Metric,
    known: Option<&Changes>,
    seed: Seed,
) -> Evidence {
    let (old, new) = (&before.samples, &after.samples);
    let ratio = after.value.zip(before.value).map(|(after, before)| after / before);
    let known = known.into_iter().flat_map(|known| [&known.control, &known.history]);
    let between_runs = known.filter_map(|changes| chance_among(&logarithms(changes), ratio?));
    Evidence {
        delta: None,
        interval: relative_change_interval(old, new, LEVEL, seed),
        p: rank_test(old, new).map(|test| between_runs.fold(test.p, f64::max)),
        // Ten rounds may happen to agree; both sides' seldom do.
        spread: [old, new]
            .iter()
            .filter_map(|rounds| spread_of_halves(rounds, seed))
            .max_by(f64::total_cmp),
    }
}

/// From pairs of starts, each a figure before and one after, in the order they were made. What moves
/// both starts of a pair alike is not in their ratio.
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
