use prismq_report::comparison::{Change, Comparison, Rules, compare, compare_pairs};
use prismq_report::record::RunRecord;

use crate::recorded::starts;
use crate::simulated::flagged;

const COMPARISONS: u64 = 20;

/// The recorded starts as seven pairs of neighbours, of each of which one, drawn, is the slower one.
fn pairs(seed: u64, slower: f64) -> Vec<(RunRecord, RunRecord)> {
    let mut rng = fastrand::Rng::with_seed(seed);
    let (before, after) = (starts(0.0), starts(slower));
    let pair = |first: usize| {
        let (one, other) = if rng.bool() { (first, first + 1) } else { (first + 1, first) };
        (before[one].clone(), after[other].clone())
    };
    (0..before.len()).step_by(2).map(pair).collect()
}

fn in_pairs(seed: u64, slower: f64) -> Comparison {
    compare_pairs(&Rules::default(), "before", &pairs(seed, slower)).unwrap()
}

#[test]
fn recorded_starts_are_judged_rightly_in_pairs() {
    let alarms: usize = (0..COMPARISONS).map(|seed| flagged(&in_pairs(seed, 0.0))).sum();
    println!("recorded A/A in 7 pairs: {alarms} metrics flagged in {COMPARISONS} comparisons");
    assert_eq!(alarms, 0);

    for slower in [0.05, 0.10, 0.20, 0.30] {
        let found: Vec<_> = (0..COMPARISONS).map(|seed| in_pairs(seed, slower)).collect();
        assert!(found.iter().all(|comparison| comparison.count(&Change::Improved) == 0));
        let any = found.iter().filter(|comparison| comparison.has_regression()).count();
        println!("recorded, {slower} slower, in 7 pairs: found in {any} of {COMPARISONS}");
        if slower >= 0.30 {
            assert!(any >= 15, "{slower}: {any}");
        }
    }
}

/// What single runs cannot tell: the machine itself was slower in the last of these starts. That is
/// why a gate compares in pairs, or knows the noise of whole runs.
#[test]
fn recorded_single_runs_of_a_machine_that_slowed_down_differ() {
    let starts = starts(0.0);
    let steady = &starts[..9];
    let alarms: usize =
        steady.windows(2).map(|pair| flagged(&compare("it", &pair[0], &pair[1]))).sum();
    println!("recorded A/A of single runs on the steady machine: {alarms} flagged in 8 pairs");
    assert_eq!(alarms, 0);
    assert!(flagged(&compare("it", &starts[1], &starts[13])) > 0);
}
