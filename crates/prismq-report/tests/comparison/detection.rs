//! Injected slowdowns are found.

use prismq_judge::comparison::{Change, Comparison, Rules, compare_by, compare_pairs};
use prismq_record::{Direction, RunRecord};

use crate::support::simulated::{METRICS, Machine, ROUNDS};

const COMPARISONS: u64 = 20;

/// Rounds of a quiet machine vary by 1 to 3 %.
const QUIET: (f64, f64) = (0.01, 0.03);
const NOISY: (f64, f64) = (0.03, 0.06);

/// Prints and returns the share of metrics whose slowdown is found over 20 comparisons, and of comparisons in
/// which any is.
fn found(
    name: &str,
    spreads: (f64, f64),
    slower: f64,
    compared: impl Fn(&mut Machine, f64) -> Comparison,
) -> (f64, f64) {
    let (mut metrics, mut any) = (0, 0);
    for seed in 0..COMPARISONS {
        let mut machine = Machine::new(100 + seed, spreads.0..=spreads.1);
        let comparison = compared(&mut machine, slower);
        assert_eq!(comparison.count(&Change::Improved), 0, "a slowdown taken for the opposite");
        metrics += comparison.count(&Change::Regressed);
        any += usize::from(comparison.has_regression());
    }
    let metrics = metrics as f64 / (COMPARISONS as usize * METRICS) as f64;
    let any = any as f64 / COMPARISONS as f64;
    println!(
        "{slower} slower, {name}, spread {} to {}: {:.1} % of metrics, any in {:.0} % of comparisons",
        spreads.0,
        spreads.1,
        100.0 * metrics,
        100.0 * any
    );
    (metrics, any)
}

/// The same for pairs of starts.
fn in_pairs(spreads: (f64, f64), slower: f64, count: usize) -> (f64, f64) {
    let compared = |machine: &mut Machine, slower| {
        let pairs: Vec<(RunRecord, RunRecord)> =
            (0..count).map(|_| (machine.run(ROUNDS, 0.0), machine.run(ROUNDS, slower))).collect();
        let rules = Rules { min_effect: 0.02, ..Rules::default() };
        compare_pairs(&rules, "before", &pairs).unwrap()
    };
    found(&format!("{count} pairs of starts"), spreads, slower, compared)
}

/// The same for single runs with a history.
fn in_single_runs(spreads: (f64, f64), slower: f64) -> (f64, f64) {
    let compared = |machine: &mut Machine, slower| {
        let rules = Rules { noise: machine.known(ROUNDS), ..Rules::default() };
        let (before, after) = (machine.run(ROUNDS, 0.0), machine.run(ROUNDS, slower));
        compare_by(&rules, "before", &before, &after)
    };
    found("single runs with a history", spreads, slower, compared)
}

#[test]
fn an_injected_slowdown_is_found() {
    for (spreads, slower, pairs, least) in [
        (QUIET, 0.10, 5, 0.8),
        (QUIET, 0.10, 10, 0.98),
        (QUIET, 0.05, 10, 0.8),
        (NOISY, 0.10, 10, 0.85),
        (NOISY, 0.05, 20, 0.6),
    ] {
        let (metrics, any) = in_pairs(spreads, slower, pairs);
        assert!(metrics > least && any == 1.0, "{slower} {pairs}: {metrics} {any}");
    }
}

/// The noise of whole runs is part of the difference of two, so only larger slowdowns are found.
#[test]
fn single_runs_find_a_slowdown_well_above_the_noise() {
    for (spreads, slower, least) in [(QUIET, 0.10, 0.3), (QUIET, 0.20, 0.9), (NOISY, 0.30, 0.8)] {
        let (metrics, any) = in_single_runs(spreads, slower);
        assert!(metrics > least && any >= 0.9, "{slower}: {metrics} {any}");
    }
    in_single_runs(QUIET, 0.05);
    in_single_runs(NOISY, 0.10);
}

/// One metric of many is worse: the correction for many comparisons must not hide it.
#[test]
fn a_slowdown_of_one_metric_is_found_among_all() {
    const METRIC: usize = METRICS / 2;
    let mut found = 0;
    for seed in 0..COMPARISONS {
        let mut machine = Machine::new(seed, QUIET.0..=QUIET.1);
        let pair = |_| {
            let (before, mut after) = (machine.run(ROUNDS, 0.0), machine.run(ROUNDS, 0.0));
            let metric = &mut after.suites[0].scenarios[0].metrics[METRIC];
            assert_eq!(metric.direction, Direction::Higher);
            metric.value = metric.value.map(|value| 0.9 * value);
            metric.samples.iter_mut().for_each(|sample| *sample *= 0.9);
            (before, after)
        };
        let pairs: Vec<_> = (0..10).map(pair).collect();
        let comparison = compare_pairs(&Rules::default(), "before", &pairs).unwrap();
        let regressed: Vec<_> =
            comparison.rows.iter().filter(|row| row.change == Change::Regressed).collect();
        assert!(regressed.iter().all(|row| row.metric == format!("metric_{METRIC}")));
        found += regressed.len();
    }
    println!("0.1 slower in one of {METRICS} metrics, 10 pairs: found in {found} of {COMPARISONS}");
    assert!(found >= 16, "{found}");
}
