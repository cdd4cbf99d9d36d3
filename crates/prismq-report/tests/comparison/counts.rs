//! Figures that nothing but the program moves, and say so.

use prismq_judge::comparison::{Change, Comparison, Rules, compare, compare_pairs};
use prismq_record::{Direction, RunRecord};

use crate::support::sample;

fn run(instructions: f64) -> RunRecord {
    let mut run = sample::run();
    run.suites.truncate(1);
    let mut counted = sample::metric("instructions", Vec::from([instructions]));
    (counted.direction, counted.samples) = (Direction::Lower, Vec::new());
    counted.exact_within = Some(0.01);
    run.suites[0].scenarios[0].metrics = vec![counted];
    run
}

fn change(comparison: &Comparison) -> Change {
    comparison.rows[0].change.clone()
}

#[test]
fn one_percent_of_an_exact_count_is_a_change_without_history() {
    let after = |instructions| change(&compare("old", &run(50_000.0), &run(instructions)));
    assert_eq!(after(50_400.0), Change::Unchanged);
    assert_eq!(after(49_600.0), Change::Unchanged);
    assert_eq!(after(50_600.0), Change::Regressed);
    assert_eq!(after(49_400.0), Change::Improved);
}

#[test]
fn a_record_without_the_exactness_of_a_count_is_compared_alike() {
    let mut old = run(50_000.0);
    old.suites[0].scenarios[0].metrics[0].exact_within = None;
    assert_eq!(change(&compare("old", &old, &run(50_600.0))), Change::Regressed);
}

#[test]
fn two_starts_of_each_program_are_enough_for_exact_counts() {
    let pairs = |after| vec![(run(50_000.0), run(after)); 2];
    let compared = |after| compare_pairs(&Rules::default(), "before", &pairs(after)).unwrap();
    let slower = compared(50_600.0);
    assert_eq!(change(&slower), Change::Regressed);
    assert_eq!(slower.rows[0].after, Some(50_600.0), "the figure of one start, not a sum");
    assert_eq!(change(&compared(50_400.0)), Change::Unchanged);
}

#[test]
fn exact_counts_alone_are_conclusive_but_zero_counts_are_not() {
    let compared = |run: &RunRecord| compare("old", run, run).blind_spots();
    let counted = run(50_000.0);
    assert_eq!(compared(&counted), Vec::<String>::new());
    let mut lost = counted;
    lost.suites[0].scenarios[0].metrics[0].exact_within = Some(0.0);
    assert_eq!(compared(&lost).len(), 1);
}
