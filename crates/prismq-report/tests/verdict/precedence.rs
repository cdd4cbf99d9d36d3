//! Which of several findings decides the status, and which count only on request.

use prismq_judge::comparison::Change;
use prismq_judge::targets::{parse, threshold};
use prismq_judge::verdict::{FailOn, Status, judge};
use prismq_record::{RunRecord, Validity};

use crate::support::{sample, steady};

/// The rate of the sample is 1006, known to within 2 %.
#[test]
fn an_undecided_target_is_inconclusive_only_in_strict_mode() {
    let status = |run: &RunRecord, wanted: &str| {
        let target = threshold(&format!("latency/drain/workers=5:rate {wanted} tasks/s"), "here");
        let verdict = judge(run, &[target.unwrap()], None, FailOn::Never).unwrap();
        (verdict.status, verdict.strict().status)
    };
    let run = sample::run();
    assert_eq!(status(&run, "> 950"), (Status::Pass, Status::Pass));
    assert_eq!(status(&run, "> 1000"), (Status::Pass, Status::Inconclusive));
    assert_eq!(status(&run, "> 1010"), (Status::Pass, Status::Inconclusive));
    assert_eq!(status(&run, "> 1050"), (Status::TargetMissed, Status::TargetMissed));

    let mut lost = sample::run();
    let reasons = vec!["2 tasks lost".to_owned()];
    lost.suites[0].scenarios[0].validity = Validity::Invalid { reasons };
    assert_eq!(status(&lost, "> 1000").1, Status::Invalid, "an invalid run comes first");
}

#[test]
fn an_inconclusive_comparison_counts_only_on_request() {
    // One sample on both sides, so that no change is ever certain.
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
    let blind = judged(FailOn::Regression, sample::TARGETS);
    assert_eq!((blind.status, blind.inconclusive.len()), (Status::Inconclusive, 1), "{blind:?}");
    let inconclusive = judged(FailOn::Inconclusive, sample::TARGETS);
    assert_eq!((inconclusive.status, inconclusive.inconclusive.len()), (Status::Inconclusive, 6));
    let missed = "[targets]\n\"latency/drain/workers=5:rate\" = \"> 1e9 tasks/s\"";
    assert_eq!(judged(FailOn::Inconclusive, missed).status, Status::TargetMissed);
}

#[test]
fn a_regression_comes_before_an_inconclusive_comparison() {
    let mut run = sample::faster(0.5);
    run.suites[0].scenarios[0].metrics[0].samples.clear();
    let comparison = steady::compare("old", &sample::run(), &run);
    let verdict = judge(&run, &[], Some(comparison), FailOn::Inconclusive).unwrap();
    assert_eq!(verdict.status, Status::Regression);
    assert!(!verdict.inconclusive.is_empty());
}

#[test]
fn statuses_have_a_precedence_and_exit_codes() {
    use Status::{Inconclusive, Invalid, Partial, Pass, Regression, TargetMissed};
    let by_precedence = [Invalid, TargetMissed, Regression, Inconclusive, Partial, Pass];
    assert!(by_precedence.is_sorted_by(|worse, better| worse > better));
    assert_eq!(by_precedence.map(Status::exit_code), [5, 4, 3, 6, 0, 0]);
}

#[test]
fn a_regression_counts_only_on_request() {
    let slower = sample::faster(0.5);
    let comparison = steady::compare("old", &sample::run(), &slower);
    assert_eq!(comparison.count(&Change::Regressed), 5);
    let status = |fail_on, targets| {
        let targets = parse(targets, "t.toml").unwrap();
        judge(&slower, &targets, Some(comparison.clone()), fail_on).unwrap().status
    };
    assert_eq!(status(FailOn::Never, sample::TARGETS), Status::Pass);
    assert_eq!(status(FailOn::Regression, sample::TARGETS), Status::Regression);
    let missed = "[targets]\n\"latency/drain/workers=5:rate\" = \"> 1e9 tasks/s\"";
    assert_eq!(status(FailOn::Regression, missed), Status::TargetMissed);
}
