use prismq_report::comparison::{
    Change, Comparison, Rules, compare_by, compare_pairs, noise_of_pairs,
};
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

/// Single runs, of which A/A runs have been made before: these tell by how much whole runs differ. The
/// others are the starts beside them, on the machine while it was steady.
#[test]
fn recorded_single_runs_are_judged_rightly_once_the_noise_is_known() {
    let starts = starts(0.0);
    let pair = |first: usize| (starts[first].clone(), starts[first + 1].clone());
    let control: Vec<_> = (0..starts.len()).step_by(2).map(pair).collect();
    let rules = Rules { noise: noise_of_pairs(&control), ..Rules::default() };
    let alarms = |rules: &Rules| -> usize {
        let pairs = (1..8).step_by(2).map(pair);
        pairs.map(|(one, other)| flagged(&compare_by(rules, "it", &one, &other))).sum()
    };
    println!(
        "recorded A/A of single runs, 4 pairs: {} flagged, {} without known noise",
        alarms(&rules),
        alarms(&Rules::default())
    );
    assert_eq!(alarms(&rules), 0);
    // The machine was slower in the last: no program was, but no run can tell that by itself.
    assert!(flagged(&compare_by(&Rules::default(), "it", &starts[1], &starts[13])) > 0);
}
