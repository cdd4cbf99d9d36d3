use prismq_judge::targets::{Outcome, check, parse};
use prismq_judge::verdict::{FailOn, Status, Verdict, judge};

use crate::support::sample;

#[track_caller]
fn judged(target: &str) -> (Outcome, Verdict) {
    let mut run = sample::run();
    run.suites.retain(|suite| suite.suite != "memory");
    run.missing.push("memory".to_owned());
    let targets = parse(&format!("[targets]\n{target}"), "t.toml").unwrap();
    let outcome = check(&targets, &run).unwrap().remove(0).outcome;
    (outcome, judge(&run, &targets, None, FailOn::Never).unwrap())
}

#[test]
fn a_target_without_data_is_never_a_pass() {
    for (target, reason) in [
        ("\"latency/drain/workers=5:rat\" = \"> 0 tasks/s\"", "no such metric"),
        ("\"latency/drain/workers=5:speed_up\" = \"> 0 x\"", "one worker was not run"),
    ] {
        let (outcome, verdict) = judged(target);
        let Outcome::NoData { reason: found } = &outcome else { panic!("{outcome:?}") };
        assert!(found.contains(reason), "{found}");
        assert_eq!(verdict.status, Status::Invalid);
    }
}

#[test]
fn what_was_not_measured_makes_a_part_and_no_pass_where_all_is_required() {
    for (target, reason) in [
        ("\"memory/drain/workers=5:rate\" = \"> 0 tasks/s\"", "suite memory was not run"),
        ("\"latency/other/workers=5:rate\" = \"> 0 tasks/s\"", "the scenario was not run"),
    ] {
        let (outcome, verdict) = judged(target);
        let Outcome::NotMeasured { reason: found } = &outcome else { panic!("{outcome:?}") };
        assert_eq!(found, reason);
        assert_eq!(verdict.status, Status::Partial);
        assert!(verdict.not_measured.iter().any(|what| what.starts_with("1 of 1")), "{verdict:?}");
        let required = verdict.require_all();
        assert_eq!(required.status, Status::Invalid);
        assert!(required.invalid.contains(&"suite memory was not run".to_owned()), "{required:?}");
    }
}

#[test]
fn a_part_that_misses_a_target_fails() {
    let (_, verdict) = judged("\"latency/drain/workers=5:rate\" = \"> 1e9 tasks/s\"");
    assert_eq!(verdict.status, Status::TargetMissed);
}

#[test]
fn a_run_of_nothing_is_invalid() {
    let mut run = sample::run();
    run.missing = run.suites.drain(..).map(|suite| suite.suite).collect();
    let targets = parse(sample::TARGETS, "t.toml").unwrap();
    let verdict = judge(&run, &targets, None, FailOn::Never).unwrap();
    assert_eq!(verdict.status, Status::Invalid);
}

#[test]
fn a_unit_that_is_not_the_metrics_is_an_error() {
    let target = "[targets]\n\"latency/drain/workers=5:rate\" = \"> 0 tasks/min\"";
    let targets = parse(target, "t.toml").unwrap();
    let error = check(&targets, &sample::run()).unwrap_err().to_string();
    assert!(error.contains("t.toml:2:1") && error.contains("\"tasks/s\""), "{error}");
}
