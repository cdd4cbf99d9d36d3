use prismq_report::comparison::{Change, FloorSource, KnownNoise, Row, Rules, compare_by};
use prismq_report::history::{self, HistoryLine};
use prismq_report::noise;
use prismq_report::record::RunRecord;
use prismq_report::verdict::{FailOn, judge};

use crate::sample;

const SCENARIO: &str = "concurrency/drain/workers=5";

/// A loss of 10 % beside a baseline whose rounds hardly vary.
fn row(noise: KnownNoise) -> Row {
    let rules = Rules { noise, ..Rules::default() };
    let comparison = compare_by(&rules, "old", &sample::run(), &sample::faster(0.9));
    comparison.rows.into_iter().find(|row| row.scenario == SCENARIO).unwrap()
}

#[test]
fn noise_known_from_elsewhere_raises_the_floor() {
    assert_eq!(row(KnownNoise::default()).change, Change::Regressed);

    let mut control = KnownNoise::default();
    control.add_control(SCENARIO, "rate", -0.12);
    let found = row(control.clone());
    assert_eq!(found.change, Change::Inconclusive);
    assert_eq!(found.floor.unwrap().source, FloorSource::ControlRuns);
    assert_eq!(found.floor.unwrap().change, 0.12);

    // From run to run by 5 and 9 % in turn: the fence is beyond 20 %.
    let mut history = KnownNoise::default();
    let figures: Vec<f64> = (0..11)
        .scan(1000.0, |figure, step| {
            *figure *= if step % 2 == 0 { 1.05 } else { 0.91 };
            Some(*figure)
        })
        .collect();
    history.add_history(SCENARIO, "rate", &figures[..10]);
    assert_eq!(row(history.clone()).change, Change::Regressed, "nine changes are too few");
    let mut history = KnownNoise::default();
    history.add_history(SCENARIO, "rate", &figures);
    let found = row(history);
    assert_eq!(found.change, Change::Inconclusive);
    assert_eq!(found.floor.unwrap().source, FloorSource::History);
}

#[test]
fn noise_of_another_metric_does_not_matter() {
    let mut control = KnownNoise::default();
    control.add_control(SCENARIO, "p99_ms", 0.5);
    control.add_control("latency/drain/workers=5", "rate", 0.5);
    assert_eq!(row(control).change, Change::Regressed);
}

#[test]
fn past_runs_of_the_same_machine_are_known_and_later_ones_are_not() {
    let results = tempfile::tempdir().unwrap();
    let mut factor = 1.0;
    for step in 0..11 {
        factor *= if step % 2 == 0 { 1.05 } else { 0.91 };
        let mut run = sample::faster(factor);
        run.run_id = format!("run {step}");
        run.ended_at = sample::at(step);
        let line = HistoryLine::of(&run, &judge(&run, &[], None, FailOn::Never).unwrap());
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

#[test]
fn what_is_kept_is_added_to() {
    let results = tempfile::tempdir().unwrap();
    assert_eq!(noise::load(results.path(), "here").unwrap(), KnownNoise::default());
    for change in [0.02, -0.30] {
        let mut control = KnownNoise::default();
        control.add_control(SCENARIO, "rate", change);
        noise::add(results.path(), "here", control).unwrap();
    }
    let kept = noise::load(results.path(), "here").unwrap();
    assert_eq!(row(kept).floor.unwrap().change, 0.30);
    assert_eq!(noise::load(results.path(), "elsewhere").unwrap(), KnownNoise::default());

    std::fs::write(results.path().join("noise/here.json"), "{").unwrap();
    let error = noise::load(results.path(), "here").unwrap_err().to_string();
    assert!(error.contains("here.json"), "{error}");
}
