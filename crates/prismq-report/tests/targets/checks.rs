//! What a check of targets says where data are missing or a goal is not asked.

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
fn an_unmeasured_target_makes_the_run_partial_or_invalid_if_required() {
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
fn a_partial_run_that_misses_a_target_fails() {
    let (_, verdict) = judged("\"latency/drain/workers=5:rate\" = \"> 1e9 tasks/s\"");
    assert_eq!(verdict.status, Status::TargetMissed);
}

#[test]
fn a_run_without_suites_is_invalid() {
    let mut run = sample::run();
    run.missing = run.suites.drain(..).map(|suite| suite.suite).collect();
    let targets = parse(sample::TARGETS, "t.toml").unwrap();
    let verdict = judge(&run, &targets, None, FailOn::Never).unwrap();
    assert_eq!(verdict.status, Status::Invalid);
}

#[test]
fn a_target_in_another_unit_is_an_error() {
    let target = "[targets]\n\"latency/drain/workers=5:rate\" = \"> 0 tasks/min\"";
    let targets = parse(target, "t.toml").unwrap();
    let error = check(&targets, &sample::run()).unwrap_err().to_string();
    assert!(error.contains("t.toml:2:1") && error.contains("\"tasks/s\""), "{error}");
}

const TARGETS: &str = r#"
[targets]
"throughput/drain/workers=5:rate" = "> 200 tasks/s"
[goals]
"latency/drain/workers=5:rate" = "> 9000 tasks/s"
"#;

#[test]
fn goals_are_not_checked_in_a_smoke_run() {
    let targets = parse(TARGETS, "t.toml").unwrap();
    let mut run = sample::run();
    let checks = check(&targets, &run).unwrap();
    assert_eq!(checks.len(), 2);
    assert!(matches!(checks[1].outcome, Outcome::Missed { .. }), "{checks:?}");

    for suite in &mut run.suites {
        suite.goals = false;
    }
    let checks = check(&targets, &run).unwrap();
    let [check] = &checks[..] else { panic!("{checks:?}") };
    assert_eq!(check.target.scenario, "throughput/drain/workers=5");
}

#[test]
fn an_interval_ends_at_zero_unless_a_round_was_below() {
    let targets = "[targets]\n\"latency/drain/workers=5:rate\" = \"<= 1000 tasks/s\"";
    let lower = |lowest: f64| {
        let mut run = sample::run();
        let latency = run.suites.iter_mut().find(|suite| suite.suite == "latency").unwrap();
        let rounds = [lowest, 0.0, 0.0, 1.0, 1.0, 1.0, 2.0, 9.0, 9.0, 9.0];
        latency.scenarios[0].metrics[0] = sample::metric("rate", rounds.to_vec());
        let checks = check(&parse(targets, "t.toml").unwrap(), &run).unwrap();
        checks[0].interval.unwrap().lower
    };
    assert_eq!(lower(0.0), 0.0);
    assert!(lower(-1.0) < -1.0);
}
