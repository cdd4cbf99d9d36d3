//! Comparisons on a machine whose runs are known to have no noise.

use prismq_judge::comparison::{Comparison, KnownNoise, Rules, compare_by};
use prismq_record::RunRecord;

/// A history without noise.
fn noise(run: &RunRecord) -> KnownNoise {
    let mut noise = KnownNoise::default();
    for scenario in run.suites.iter().flat_map(|suite| &suite.scenarios) {
        for metric in &scenario.metrics {
            noise.add_history(&scenario.id, &metric.name, &[1.0; 11]);
        }
    }
    noise
}

/// Compares a run with the one before.
pub(crate) fn compare(name: &str, before: &RunRecord, after: &RunRecord) -> Comparison {
    let rules = Rules { noise: noise(before), ..Rules::default() };
    compare_by(&rules, name, before, after)
}
