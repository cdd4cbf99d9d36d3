use prismq_report::comparison::{Change, FloorSource, Row, compare};

use crate::sample;

/// The first row of a comparison of these rounds.
fn row(before: &[f64], after: &[f64]) -> Row {
    let run = |rounds: &[f64]| {
        let mut run = sample::run();
        run.suites.truncate(1);
        run.suites[0].scenarios[0].metrics = vec![sample::metric("rate", rounds.to_vec())];
        run
    };
    compare("old", &run(before), &run(after)).rows.remove(0)
}

const STEADY: [f64; 10] =
    [1000.0, 1003.0, 998.0, 1001.0, 995.0, 1004.0, 1002.0, 997.0, 999.0, 1001.5];

fn times(rounds: &[f64], factor: f64) -> Vec<f64> {
    rounds.iter().map(|round| round * factor).collect()
}

#[test]
fn a_change_has_its_interval_and_floor() {
    let row = row(&STEADY, &times(&STEADY, 0.8));
    assert_eq!(row.change, Change::Regressed);
    let (interval, floor) = (row.interval.unwrap(), row.floor.unwrap());
    assert!(interval.contains(-0.2) && interval.upper < -0.19, "{interval:?}");
    assert_eq!((floor.change, floor.source), (0.05, FloorSource::MinimumEffect));
    assert_eq!(floor.source.to_string(), "minimum effect");
}

#[test]
fn what_moves_less_than_the_minimum_effect_is_unchanged() {
    assert_eq!(row(&STEADY, &times(&STEADY, 0.96)).change, Change::Unchanged);
    assert_eq!(row(&STEADY, &STEADY).change, Change::Unchanged);
}

#[test]
fn a_noisy_baseline_hides_a_change_and_says_so() {
    let noisy = [600.0, 1400.0, 800.0, 1200.0, 1000.0, 700.0, 1300.0, 900.0, 1100.0, 1050.0];
    let row = row(&noisy, &times(&noisy, 0.85));
    assert_eq!(row.change, Change::Inconclusive);
    let floor = row.floor.unwrap();
    assert_eq!(floor.source, FloorSource::Spread);
    assert!(floor.change > 0.15, "{floor:?}");
}

#[test]
fn a_figure_taken_once_or_a_few_times_proves_no_change() {
    for rounds in [&STEADY[..1], &STEADY[..3]] {
        assert_eq!(row(rounds, &times(rounds, 0.5)).change, Change::Inconclusive);
        assert_eq!(row(rounds, rounds).change, Change::Unchanged);
    }
    assert_eq!(row(&STEADY[..1], &STEADY[..1]).interval, None);
}

#[test]
fn of_a_baseline_of_zero_no_relative_change_is_told() {
    let row = row(&[0.0; 10], &STEADY);
    assert_eq!((row.delta, row.interval), (None, None));
    assert_eq!(row.change, Change::Inconclusive);
}

#[test]
fn the_same_records_give_the_same_answer() {
    let noisy = times(&STEADY, 1.01);
    assert_eq!(row(&STEADY, &noisy), row(&STEADY, &noisy));
}
