//! Known noise: from the history, and from control runs.

use prismq_judge::comparison::{Change, FloorSource, KnownNoise, Row, Rules, compare_by};
use prismq_judge::verdict::{FailOn, judge};
use prismq_record::RunRecord;
use prismq_record::history;
use prismq_report::noise;

use crate::support::sample;

const SCENARIO: &str = "concurrency/drain/workers=5";

/// A loss of 60 % against a baseline whose rounds hardly vary.
fn row(noise: KnownNoise) -> Row {
    let rules = Rules { noise, ..Rules::default() };
    let comparison = compare_by(&rules, "old", &sample::run(), &sample::faster(0.4));
    comparison.rows.into_iter().find(|row| row.scenario == SCENARIO).unwrap()
}

/// This number of starts of one program, each differing by the change from the one before.
fn control(metric: &str, change: f64, starts: usize) -> KnownNoise {
    let mut noise = KnownNoise::default();
    (0..starts).for_each(|_| noise.add_control(SCENARIO, metric, change));
    noise
}

/// Values from run to run, multiplied by the two factors in turn.
fn history(factors: [f64; 2], runs: usize) -> KnownNoise {
    let mut noise = KnownNoise::default();
    let figures: Vec<f64> = (0..runs)
        .scan(1000.0, |figure, step| {
            let before = *figure;
            *figure *= factors[step % 2];
            Some(before)
        })
        .collect();
    noise.add_history(SCENARIO, "rate", &figures);
    noise
}

#[test]
fn known_noise_raises_the_noise_floor() {
    let unknown = row(KnownNoise::default());
    assert_eq!(unknown.floor.unwrap().source, FloorSource::Unknown);
    assert_eq!(unknown.change, Change::Regressed, "by more than half");

    let found = row(control("rate", -0.7, 10));
    assert_eq!(found.change, Change::Inconclusive);
    assert_eq!(found.floor.unwrap().source, FloorSource::ControlRuns);
    assert_eq!(found.floor.unwrap().change, 0.7);
    assert_eq!(row(control("rate", -0.7, 9)), unknown, "nine changes are too few");

    // A swing that the next run reverses may occur again.
    let found = row(history([2.0, 0.5], 11));
    assert_eq!(found.change, Change::Inconclusive);
    assert_eq!(found.floor.unwrap().source, FloorSource::History);
    assert_eq!(row(history([2.0, 0.5], 10)), unknown, "of ten runs there are nine changes");
}

#[test]
fn small_known_noise_makes_small_changes_count() {
    let loss = |noise| {
        let rules = Rules { noise, ..Rules::default() };
        let comparison = compare_by(&rules, "old", &sample::run(), &sample::faster(0.9));
        comparison.rows.into_iter().find(|row| row.scenario == SCENARIO).unwrap().change
    };
    assert_eq!(loss(KnownNoise::default()), Change::Inconclusive);
    assert_eq!(loss(history([1.01, 0.99], 11)), Change::Regressed);
    // Consecutive starts do not replace a history.
    assert_eq!(loss(control("rate", 0.01, 10)), Change::Inconclusive);
    let mut both = history([1.01, 0.99], 11);
    both.add(control("rate", 0.01, 10));
    assert_eq!(loss(both.clone()), Change::Regressed);
    both.add(control("rate", 0.15, 10));
    assert_eq!(loss(both), Change::Inconclusive);
    assert_eq!(loss(history([1.06, 0.95], 11)), Change::Inconclusive);
}

/// The run that regressed is part of the history of the next one.
#[test]
fn a_regression_in_the_history_is_still_found_by_later_runs() {
    let mut figures: Vec<f64> = (0..12).map(|n| if n % 2 == 0 { 1000.0 } else { 1010.0 }).collect();
    for _ in 0..4 {
        figures.push(400.0);
        let mut noise = KnownNoise::default();
        noise.add_history(SCENARIO, "rate", &figures);
        assert_eq!(row(noise).change, Change::Regressed, "{figures:?}");
    }
}

#[test]
fn noise_of_another_metric_does_not_matter() {
    assert_eq!(row(control("p99_ms", 0.9, 10)).change, Change::Regressed);
    let mut elsewhere = KnownNoise::default();
    (0..10).for_each(|_| elsewhere.add_control("latency/drain/workers=5", "rate", -0.9));
    assert_eq!(row(elsewhere).change, Change::Regressed);
}

#[test]
fn the_history_holds_only_earlier_runs_of_the_same_machine() {
    let results = tempfile::tempdir().unwrap();
    let mut factor = 1.0;
    for step in 0..11 {
        factor *= if step % 2 == 0 { 1.05 } else { 0.91 };
        let mut run = sample::faster(factor);
        run.run_id = format!("run {step}");
        run.ended_at = sample::at(step);
        let line = judge(&run, &[], None, FailOn::Never).unwrap().history_line(&run);
        history::append(results.path(), &line).unwrap();
    }
    let source = |run: &RunRecord| {
        let found = row(noise::rules(results.path(), run).unwrap().noise);
        found.floor.unwrap().source
    };
    let mut run = sample::run();
    run.ended_at = sample::at(11);
    assert_eq!(source(&run), FloorSource::History);
    run.ended_at = sample::at(10);
    assert_ne!(source(&run), FloorSource::History, "of eleven runs the last is later");
    run.ended_at = sample::at(11);
    for suite in &mut run.suites {
        suite.profile = "full".to_owned();
    }
    assert_ne!(source(&run), FloorSource::History, "of another profile");
}

/// Old runs leave the history, those before a lasting change and noisy ones.
#[test]
fn only_the_latest_31_runs_of_the_history_count() {
    const WILD: i64 = 13;
    let results = tempfile::tempdir().unwrap();
    let source = |runs: i64| {
        let mut run = sample::run();
        run.ended_at = sample::at(runs);
        row(noise::rules(results.path(), &run).unwrap().noise).floor.unwrap()
    };
    for step in 0..WILD + 31 {
        let mut run = sample::faster(if step < WILD && step % 2 == 0 { 4.0 } else { 1.0 });
        run.run_id = format!("run {step}");
        run.ended_at = sample::at(step);
        let line = judge(&run, &[], None, FailOn::Never).unwrap().history_line(&run);
        history::append(results.path(), &line).unwrap();
    }
    assert_eq!(source(WILD).source, FloorSource::History);
    assert_eq!(source(WILD + 31).source, FloorSource::MinimumEffect);
}

#[test]
fn stored_noise_is_added_to() {
    let results = tempfile::tempdir().unwrap();
    assert_eq!(noise::load(results.path(), "here").unwrap(), KnownNoise::default());
    for _ in 0..2 {
        noise::add(results.path(), "here", control("rate", -0.7, 5)).unwrap();
    }
    let kept = noise::load(results.path(), "here").unwrap();
    assert_eq!(row(kept).floor.unwrap().change, 0.7);
    assert_eq!(noise::load(results.path(), "elsewhere").unwrap(), KnownNoise::default());

    std::fs::write(results.path().join("noise/here.json"), "{").unwrap();
    let error = noise::load(results.path(), "here").unwrap_err().to_string();
    assert!(error.contains("here.json"), "{error}");
}
