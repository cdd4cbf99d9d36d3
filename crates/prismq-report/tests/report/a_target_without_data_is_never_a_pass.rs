use prismq_report::targets::{Outcome, check, parse};
use prismq_report::verdict::{FailOn, Status, judge};

use crate::sample;

#[track_caller]
fn no_data(target: &str, reason: &str) {
    let mut run = sample::run();
    run.suites.retain(|suite| suite.suite != "memory");
    run.missing.push("memory".to_owned());
    let targets = parse(&format!("[targets]\n{target}"), "t.toml").unwrap();
    let checks = check(&targets, &run).unwrap();
    let Outcome::NoData { reason: found } = &checks[0].outcome else { panic!("{checks:?}") };
    assert!(found.contains(reason), "{found}");
    let verdict = judge(&run, &targets, None, FailOn::Never).unwrap();
    assert_eq!(verdict.status, Status::Invalid);
}

#[test]
fn a_target_without_data_is_never_a_pass() {
    no_data("\"memory/drain/workers=5:rate\" = \"> 0 tasks/s\"", "suite memory was not run");
    no_data("\"latency/other/workers=5:rate\" = \"> 0 tasks/s\"", "the scenario was not run");
    no_data("\"latency/drain/workers=5:rat\" = \"> 0 tasks/s\"", "no such metric");
    no_data("\"latency/drain/workers=5:speed_up\" = \"> 0 x\"", "one worker was not run");
}

#[test]
fn a_unit_that_is_not_the_metrics_is_an_error() {
    let target = "[targets]\n\"latency/drain/workers=5:rate\" = \"> 0 tasks/min\"";
    let targets = parse(target, "t.toml").unwrap();
    let error = check(&targets, &sample::run()).unwrap_err().to_string();
    assert!(error.contains("t.toml:2:1") && error.contains("\"tasks/s\""), "{error}");
}
