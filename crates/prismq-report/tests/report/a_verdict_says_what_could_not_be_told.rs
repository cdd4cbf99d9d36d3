use prismq_report::record::{ConfidenceInterval, RunRecord};
use prismq_report::targets::{parse, threshold};
use prismq_report::verdict::{FailOn, Status, judge};

use crate::{sample, steady};

fn with_interval(lower: f64, upper: f64) -> RunRecord {
    let mut run = sample::run();
    let method = "order statistics of the median".to_owned();
    let interval = ConfidenceInterval { level: 0.95, lower, upper, method, rounds: 10 };
    run.suites[1].scenarios[0].metrics[0].interval = Some(interval);
    run
}

#[test]
fn strictly_a_target_is_met_only_by_the_whole_interval() {
    let target = threshold("latency/drain/workers=5:rate > 1000 tasks/s", "here").unwrap();
    let status = |run: &RunRecord| {
        let verdict = judge(run, std::slice::from_ref(&target), None, FailOn::Never).unwrap();
        (verdict.status, verdict.strict().status)
    };
    assert_eq!(status(&with_interval(1001.0, 1010.0)), (Status::Pass, Status::Pass));
    assert_eq!(status(&with_interval(990.0, 1010.0)), (Status::Pass, Status::Inconclusive));
    assert_eq!(status(&sample::run()), (Status::Pass, Status::Pass), "a count has no interval");

    let mut lost = with_interval(990.0, 1010.0);
    lost.missing.push("memory".to_owned());
    assert_eq!(status(&lost).1, Status::Invalid, "what cannot be trusted comes first");
}

#[test]
fn what_cannot_be_told_counts_only_where_it_is_asked_to() {
    // Taken once on both sides, so that no change of it is ever certain.
    let once = |factor| {
        let mut run = sample::faster(factor);
        for suite in &mut run.suites {
            suite.scenarios[0].metrics[0].samples.clear();
        }
        run
    };
    let run = once(0.5);
    let judged = |fail_on, targets: &str| {
        let comparison = steady::compare("old", &once(1.0), &run);
        let targets = parse(targets, "t.toml").unwrap();
        judge(&run, &targets, Some(comparison), fail_on).unwrap()
    };
    assert_eq!(judged(FailOn::Never, sample::TARGETS).status, Status::Pass);
    assert_eq!(judged(FailOn::Regression, sample::TARGETS).status, Status::Pass);
    let untold = judged(FailOn::Inconclusive, sample::TARGETS);
    assert_eq!((untold.status, untold.inconclusive.len()), (Status::Inconclusive, 5));
    let missed = "[targets]\n\"latency/drain/workers=5:rate\" = \"> 1e9 tasks/s\"";
    assert_eq!(judged(FailOn::Inconclusive, missed).status, Status::TargetMissed);
}

#[test]
fn a_regression_comes_before_what_cannot_be_told() {
    let mut run = sample::faster(0.5);
    run.suites[0].scenarios[0].metrics[0].samples.clear();
    let comparison = steady::compare("old", &sample::run(), &run);
    let verdict = judge(&run, &[], Some(comparison), FailOn::Inconclusive).unwrap();
    assert_eq!(verdict.status, Status::Regression);
    assert!(!verdict.inconclusive.is_empty());
}

#[test]
fn every_status_has_its_number() {
    use Status::{Inconclusive, Invalid, Pass, Regression, TargetMissed};
    let by_precedence = [Invalid, TargetMissed, Regression, Inconclusive, Pass];
    assert!(by_precedence.is_sorted_by(|worse, better| worse > better));
    assert_eq!(by_precedence.map(Status::exit_code), [5, 4, 3, 6, 0]);
}
