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

/// Single runs while nothing is known of how much runs differ: only what is far off is found, and the
/// machine's own slowness is not taken for the program's.
#[test]
fn recorded_single_runs_are_told_apart_by_a_factor_of_two() {
    let (before, slower) = (starts(0.0), starts(0.6));
    let one = |first: usize, after: &[RunRecord]| compare("it", &before[first], &after[first + 1]);
    let firsts = || 0..before.len() - 1;
    let alarms: usize = firsts().map(|first| flagged(&one(first, &before))).sum();
    let found = firsts().filter(|first| one(*first, &slower).has_regression()).count();
    let compared = firsts().count();
    println!("recorded single runs: {alarms} flagged in {compared}, 0.6 slower found in {found}");
    assert_eq!(alarms, 0);
    assert!(found >= 10, "{found} of {compared}");
    assert_eq!(flagged(&compare("it", &before[1], &before[13])), 0);
}
