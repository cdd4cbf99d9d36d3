//! Two programs started in turn: pairs of starts, compared pair by pair.

use prismq_record::RunRecord;
use prismq_record::quantiles::with_figures_of_all;

use super::pool::pool;
use super::rows::{drafts, scenarios};
use super::{Comparison, KnownNoise, Rules, decision, difference, evidence, floor};

/// Compares pairs of starts, each a record before and one after, in the order they were made. `None`
/// of no pairs.
#[must_use]
pub fn compare_pairs(
    rules: &Rules,
    name: &str,
    pairs: &[(RunRecord, RunRecord)],
) -> Option<Comparison> {
    let figures = |(one, other): &(RunRecord, RunRecord)| {
        (with_figures_of_all(one), with_figures_of_all(other))
    };
    let pairs: Vec<(RunRecord, RunRecord)> = pairs.iter().map(figures).collect();
    let before = pool(pairs.iter().map(|(before, _)| before))?;
    let after = pool(pairs.iter().map(|(_, after)| after))?;
    let not_comparable = difference(rules, &before, &after);
    let rows = match not_comparable {
        Some(_) => Vec::new(),
        None => {
            let drafts = drafts(&before, &after, |scenario, metric, _, seed| {
                let figures = pairs.iter().filter_map(|(before, after)| {
                    let figure = |run| figure(run, &scenario.id, &metric.name);
                    figure(before).zip(figure(after))
                });
                evidence::of_pairs(&figures.collect::<Vec<_>>(), seed)
            });
            decision::decide(drafts, rules, floor::Sides::Pairs)
        }
    };
    // Pairs do not contain what affects whole runs, so that each metric is found alone.
    let (baseline, overall) = (name.to_owned(), None);
    Some(Comparison { baseline, not_comparable, rows, overall, min_effect: rules.min_effect })
}

/// The noise of a program from pairs of its starts: the change of each metric in each pair.
#[must_use]
pub fn noise_of_pairs(pairs: &[(RunRecord, RunRecord)]) -> KnownNoise {
    let mut noise = KnownNoise::default();
    for (before, after) in pairs {
        for scenario in scenarios(before) {
            for metric in &scenario.metrics {
                let other = figure(after, &scenario.id, &metric.name);
                if let (Some(one), Some(other)) = (metric.value.filter(|one| *one != 0.0), other) {
                    noise.add_control(&scenario.id, &metric.name, (other - one) / one.abs());
                }
            }
        }
    }
    noise
}

fn figure(run: &RunRecord, scenario: &str, metric: &str) -> Option<f64> {
    scenarios(run).find(|found| found.id == scenario)?.metric(metric)?.value
}
