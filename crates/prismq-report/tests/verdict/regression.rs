use prismq_judge::comparison::Change;
use prismq_judge::targets::parse;
use prismq_judge::verdict::{FailOn, Status, judge};

use crate::support::{sample, steady};

#[test]
fn a_regression_counts_only_where_it_is_asked_to() {
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
