use prismq_report::comparison::{Change, Comparison, Rules, compare_by, compare_pairs};
use prismq_report::record::{Direction, RunRecord};

use crate::simulated::{METRICS, Machine, ROUNDS};

const PAIRS: u64 = 20;

/// The share of metrics whose slowdown is found over 20 pairs of runs, and of pairs in which any is.
fn found(
    spreads: (f64, f64),
    slower: f64,
    compared: impl Fn(&mut Machine, f64) -> Comparison,
) -> (f64, f64) {
    let (mut metrics, mut pairs) = (0, 0);
    for seed in 0..PAIRS {
        let mut machine = Machine::new(100 + seed, spreads.0..=spreads.1);
        let comparison = compared(&mut machine, slower);
        assert_eq!(comparison.count(&Change::Improved), 0, "a slowdown taken for the opposite");
        metrics += comparison.count(&Change::Regressed);
        pairs += usize::from(comparison.has_regression());
    }
    (metrics as f64 / (PAIRS as usize * METRICS) as f64, pairs as f64 / PAIRS as f64)
}

fn runs(rounds: usize, min_effect: f64) -> impl Fn(&mut Machine, f64) -> Comparison {
    move |machine, slower| {
        let (before, after) = (machine.run(rounds, 0.0), machine.run(rounds, slower));
        let rules = Rules { min_effect, ..Rules::default() };
        compare_by(&rules, "before", &before, &after)
    }
}

fn starts(pairs: usize, min_effect: f64) -> impl Fn(&mut Machine, f64) -> Comparison {
    move |machine, slower| {
        let pairs: Vec<(RunRecord, RunRecord)> =
            (0..pairs).map(|_| (machine.run(ROUNDS, 0.0), machine.run(ROUNDS, slower))).collect();
        let rules = Rules { min_effect, ..Rules::default() };
        compare_pairs(&rules, "before", &pairs).unwrap()
    }
}

/// The same of runs of so many rounds, shown.
fn of_runs(spreads: (f64, f64), slower: f64, rounds: usize, min_effect: f64) -> (f64, f64) {
    let (metrics, any) = found(spreads, slower, runs(rounds, min_effect));
    println!(
        "spread {} to {}, {slower} slower, {rounds} rounds, minimum effect {min_effect}: \
         {:.1} % of metrics, in {:.0} % of pairs any",
        spreads.0,
        spreads.1,
        100.0 * metrics,
        100.0 * any
    );
    (metrics, any)
}

/// The standard profile has ten rounds, whose figures vary by 1 to 3 % on a quiet machine.
#[test]
fn a_slowdown_put_in_on_purpose_is_found() {
    const QUIET: (f64, f64) = (0.01, 0.03);
    let (metrics, any) = of_runs(QUIET, 0.10, 10, 0.05);
    assert!(metrics > 0.9 && any == 1.0, "{metrics} {any}");
    let (metrics, any) = of_runs(QUIET, 0.05, 10, 0.05);
    assert!(metrics > 0.2 && any == 1.0, "{metrics} {any}");
    let (metrics, any) = of_runs(QUIET, 0.05, 30, 0.02);
    assert!(metrics > 0.7 && any == 1.0, "{metrics} {any}");
}

#[test]
fn more_rounds_find_it_on_a_noisier_machine() {
    const NOISY: (f64, f64) = (0.03, 0.06);
    let (few, any) = of_runs(NOISY, 0.10, 10, 0.05);
    assert!(any == 1.0, "{any}");
    let (many, any) = of_runs(NOISY, 0.10, 30, 0.02);
    assert!(many > 0.9 && many > few && any == 1.0, "{many} {few} {any}");
    let (metrics, any) = of_runs(NOISY, 0.05, 30, 0.02);
    assert!(metrics > 0.3 && any == 1.0, "{metrics} {any}");
}

#[test]
fn pairs_of_starts_find_it_where_single_runs_are_too_noisy() {
    for (slower, pairs, least) in [(0.10, 5, 0.5), (0.05, 10, 0.5)] {
        let (metrics, any) = found((0.03, 0.06), slower, starts(pairs, 0.02));
        println!(
            "spread 3 to 6 %, {slower} slower, {pairs} pairs of starts: {:.1} % of metrics, in \
             {:.0} % any",
            100.0 * metrics,
            100.0 * any
        );
        assert!(metrics > least, "{slower} {pairs}: {metrics}");
    }
}

/// One metric of many is worse, so that chance is weighed against all the others.
#[test]
fn a_slowdown_of_a_single_metric_is_found_among_all() {
    let mut found = 0;
    for seed in 0..PAIRS {
        let mut machine = Machine::new(seed, 0.01..=0.03);
        let (before, mut after) = (machine.run(ROUNDS, 0.0), machine.run(ROUNDS, 0.0));
        let metric = &mut after.suites[0].scenarios[0].metrics[METRICS / 2];
        assert_eq!(metric.direction, Direction::Higher);
        metric.value = metric.value.map(|value| 0.9 * value);
        metric.samples.iter_mut().for_each(|sample| *sample *= 0.9);
        let comparison = compare_by(&Rules::default(), "before", &before, &after);
        let regressed: Vec<_> =
            comparison.rows.iter().filter(|row| row.change == Change::Regressed).collect();
        assert!(regressed.iter().all(|row| row.metric == format!("metric_{}", METRICS / 2)));
        found += regressed.len();
    }
    println!("0.1 slower in one of {METRICS} metrics: found in {found} of {PAIRS} pairs");
    assert!(found >= 5, "{found}");
}
