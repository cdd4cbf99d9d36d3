//! Counts of errors.

use prismq_judge::comparison::{Change, compare};
use prismq_record::{Direction, RunRecord};

use crate::support::sample;

fn run(metric: &str, count: f64) -> RunRecord {
    let mut run = sample::run();
    run.suites.truncate(1);
    let mut lost = sample::metric(metric, Vec::from([count]));
    (lost.direction, lost.samples) = (Direction::Lower, Vec::new());
    lost.exact_within = (metric != "empty_polls").then_some(0.0);
    run.suites[0].scenarios[0].metrics = vec![lost];
    run
}

#[test]
fn a_count_of_errors_is_compared_exactly() {
    for metric in ["lost", "duplicated", "busy_errors", "errors", "unexpected_errors"] {
        let change = |before, after| {
            let comparison = compare("old", &run(metric, before), &run(metric, after));
            comparison.rows[0].change.clone()
        };
        assert_eq!(change(0.0, 0.0), Change::Unchanged);
        assert_eq!(change(0.0, 1.0), Change::Regressed);
        assert_eq!(change(1000.0, 1001.0), Change::Regressed);
        assert_eq!(change(3.0, 0.0), Change::Improved);
    }
}

#[test]
fn another_count_with_one_sample_is_inconclusive() {
    let comparison = compare("old", &run("empty_polls", 10.0), &run("empty_polls", 20.0));
    assert_eq!(comparison.rows[0].change, Change::Inconclusive);
}
