//! Recorded starts of one program, some of them slowed down.

use prismq_judge::comparison::{Change, Comparison, Rules, compare, compare_by, compare_pairs};
use prismq_record::RunRecord;

use crate::support::recorded::{smoke_starts, standard_starts};
use crate::support::simulated::{flagged, history};

const COMPARISONS: u64 = 20;

type Recording = fn(f64) -> Vec<RunRecord>;

/// Recorded starts as pairs of neighbours; one of each pair, drawn at random, is the slower program.
fn in_pairs(starts: Recording, seed: u64, slower: f64) -> Comparison {
    let mut rng = fastrand::Rng::with_seed(seed);
    let (before, after) = (starts(0.0), starts(slower));
    let pair = |first: usize| {
        let (one, other) = if rng.bool() { (first, first + 1) } else { (first + 1, first) };
        (before[one].clone(), after[other].clone())
    };
    let pairs: Vec<_> = (0..before.len()).step_by(2).map(pair).collect();
    compare_pairs(&Rules::default(), "before", &pairs).unwrap()
}

/// In how many of 20 comparisons any metric is found slower, and how many metrics are on average.
fn found(name: &str, starts: Recording, slower: f64) -> (u64, f64) {
    let found: Vec<_> = (0..COMPARISONS).map(|seed| in_pairs(starts, seed, slower)).collect();
    assert!(found.iter().all(|comparison| comparison.count(&Change::Improved) == 0));
    let any = found.iter().filter(|comparison| comparison.has_regression()).count() as u64;
    let regressed: usize = found.iter().map(|found| found.count(&Change::Regressed)).sum();
    let share = regressed as f64 / found.iter().map(|found| found.rows.len()).sum::<usize>() as f64;
    println!(
        "recorded {name}, {slower} slower: found in {any} of {COMPARISONS}, {:.1} % of metrics",
        100.0 * share
    );
    (any, share)
}

#[test]
fn pairs_of_recorded_starts_give_the_right_verdict() {
    for (name, starts) in [
        ("10 pairs, standard profile", standard_starts as Recording),
        ("7 pairs, smoke profile", smoke_starts),
    ] {
        let alarms: usize =
            (0..COMPARISONS).map(|seed| flagged(&in_pairs(starts, seed, 0.0))).sum();
        println!("recorded {name}, A/A: {alarms} metrics flagged in {COMPARISONS} comparisons");
        assert_eq!(alarms, 0);
    }

    found("10 pairs, standard profile", standard_starts, 0.05);
    let (any, share) = found("10 pairs, standard profile", standard_starts, 0.10);
    assert!(any == COMPARISONS && share > 0.5, "{any} {share}");

    for slower in [0.10, 0.20] {
        found("7 pairs, smoke profile", smoke_starts, slower);
    }
    let (any, _) = found("7 pairs, smoke profile", smoke_starts, 0.30);
    assert!(any >= 15, "{any}");
}

/// Single runs without known noise: only a large slowdown is found, and a slow phase of the machine is not taken
/// for one of the program.
#[test]
fn recorded_single_runs_differ_from_a_factor_of_two() {
    let (before, slower) = (smoke_starts(0.0), smoke_starts(0.6));
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

/// Single runs with known noise: twelve starts are the history of the other eight.
#[test]
fn recorded_single_runs_with_a_history_give_the_right_verdict() {
    let before = standard_starts(0.0);
    let rules = Rules { noise: history(&before[..12]), ..Rules::default() };
    let firsts = || 11..before.len() - 1;
    let alarms: usize = firsts()
        .map(|first| flagged(&compare_by(&rules, "it", &before[first], &before[first + 1])))
        .sum();
    assert_eq!(alarms, 0);
    for (slower, least) in [(0.20, 1), (0.30, 6)] {
        let after = standard_starts(slower);
        let is_found = |first: &usize| {
            compare_by(&rules, "it", &before[*first], &after[*first + 1]).has_regression()
        };
        let found = firsts().filter(is_found).count();
        println!("recorded single runs after a history, {slower} slower: found in {found} of 8");
        assert!(found >= least, "{slower}: {found}");
    }
}
