//! When a difference between two runs is a change.

use prismq_judge::comparison::{Change, FloorSource, Row, compare};

use crate::support::{sample, steady};

/// The first row of a comparison of these rounds, on a machine known to have no noise or on an unknown one.
fn row_where(known: bool, before: &[f64], after: &[f64]) -> Row {
    let run = |rounds: &[f64]| {
        let mut run = sample::run();
        run.suites.truncate(1);
        run.suites[0].scenarios[0].metrics = vec![sample::metric("rate", rounds.to_vec())];
        run
    };
    let (before, after) = (run(before), run(after));
    let compared = if known { steady::compare } else { compare };
    compared("old", &before, &after).rows.remove(0)
}

fn row(before: &[f64], after: &[f64]) -> Row {
    row_where(true, before, after)
}

const STEADY: [f64; 10] =
    [1000.0, 1003.0, 998.0, 1001.0, 995.0, 1004.0, 1002.0, 997.0, 999.0, 1001.5];

fn times(rounds: &[f64], factor: f64) -> Vec<f64> {
    rounds.iter().map(|round| round * factor).collect()
}

#[test]
fn a_change_has_an_interval_and_a_noise_floor() {
    let row = row(&STEADY, &times(&STEADY, 0.8));
    assert_eq!(row.change, Change::Regressed);
    let (interval, floor) = (row.interval.unwrap(), row.floor.unwrap());
    assert!(interval.contains(-0.2) && interval.upper < -0.19, "{interval:?}");
    assert_eq!((floor.change, floor.source), (0.05, FloorSource::MinimumEffect));
    assert_eq!(floor.source.to_string(), "minimum effect");
}

/// The rounds of one run differ less than those of two runs.
#[test]
fn without_known_noise_only_a_factor_of_two_is_a_change() {
    let moved = |factor: f64| row_where(false, &STEADY, &times(&STEADY, factor));
    for factor in [0.55, 1.9] {
        let row = moved(factor);
        assert_eq!(row.change, Change::Inconclusive, "{factor}");
        assert_eq!(row.floor.unwrap().source, FloorSource::Unknown);
    }
    assert_eq!(moved(0.45).change, Change::Regressed);
    assert_eq!(moved(2.1).change, Change::Improved);
    assert_eq!(moved(0.99).change, Change::Unchanged);
}

#[test]
fn a_change_below_the_minimum_effect_is_unchanged() {
    assert_eq!(row(&STEADY, &times(&STEADY, 0.96)).change, Change::Unchanged);
    assert_eq!(row(&STEADY, &STEADY).change, Change::Unchanged);
}

#[test]
fn a_noisy_baseline_makes_a_change_inconclusive() {
    let noisy = [600.0, 1400.0, 800.0, 1200.0, 1000.0, 700.0, 1300.0, 900.0, 1100.0, 1050.0];
    let row = row(&noisy, &times(&noisy, 0.85));
    assert_eq!(row.change, Change::Inconclusive);
    let floor = row.floor.unwrap();
    assert_eq!(floor.source, FloorSource::Spread);
    assert!(floor.change > 0.15, "{floor:?}");
}

#[test]
fn one_or_three_samples_prove_no_change() {
    for rounds in [&STEADY[..1], &STEADY[..3]] {
        assert_eq!(row(rounds, &times(rounds, 0.5)).change, Change::Inconclusive);
        assert_eq!(row(rounds, rounds).change, Change::Unchanged);
    }
    assert_eq!(row(&STEADY[..1], &STEADY[..1]).interval, None);
}

#[test]
fn a_baseline_of_zero_has_no_relative_change() {
    let row = row(&[0.0; 10], &STEADY);
    assert_eq!((row.delta, row.interval), (None, None));
    assert_eq!(row.change, Change::Inconclusive);
}

#[test]
fn the_same_records_give_the_same_answer() {
    let noisy = times(&STEADY, 1.01);
    assert_eq!(row(&STEADY, &noisy), row(&STEADY, &noisy));
}
