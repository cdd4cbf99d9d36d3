//! Which comparisons make a verdict inconclusive.

use prismq_judge::comparison::{Change, compare};
use prismq_judge::verdict::{FailOn, Status, judge};
use prismq_record::{Direction, RunRecord, Validity};

use crate::support::sample;

fn each_scenario(run: &mut RunRecord, change: fn(&mut prismq_record::Scenario)) {
    run.suites.iter_mut().flat_map(|suite| &mut suite.scenarios).for_each(change);
}

/// Asserts that the sample compared with this changed baseline is inconclusive, and only if regressions count.
#[track_caller]
fn says_nothing(reason: &str, change: impl FnOnce(&mut RunRecord)) {
    let mut base = sample::faster(2.0);
    change(&mut base);
    let run = sample::run();
    let comparison = compare("old", &base, &run);
    assert_eq!(comparison.count(&Change::Regressed), 0);
    let shown = judge(&run, &[], Some(comparison.clone()), FailOn::Never).unwrap();
    assert_eq!(shown.status, Status::Pass);
    let counted = judge(&run, &[], Some(comparison.clone()), FailOn::Regression).unwrap();
    assert_eq!(counted.status, Status::Inconclusive);
    let said = format!("{:?} {:?}", counted.inconclusive, comparison.rows);
    assert!(said.contains(reason), "{said}");
}

#[test]
fn a_comparison_without_comparable_metrics_is_inconclusive() {
    says_nothing("machine, engine or profile differ", |base| {
        base.suites.iter_mut().for_each(|suite| suite.engine = "pooled".to_owned());
    });
    says_nothing("parameters differ: tasks", |base| {
        each_scenario(base, |scenario| {
            scenario.parameters.insert("tasks".to_owned(), 7.into());
        });
    });
    says_nothing("no metric of one is comparable", |base| {
        each_scenario(base, |scenario| scenario.id.push_str("/other=1"));
    });
}

#[test]
fn invalid_values_are_not_compared() {
    says_nothing("the baseline's figures must not be used: 2 tasks lost", |base| {
        each_scenario(base, |scenario| {
            scenario.validity = Validity::Invalid { reasons: vec!["2 tasks lost".to_owned()] };
        });
    });
}

#[test]
fn values_in_another_unit_or_direction_are_not_compared() {
    says_nothing("was in tasks/min (higher is better) then", |base| {
        each_scenario(base, |scenario| scenario.metrics[0].unit = "tasks/min".to_owned());
    });
    says_nothing("was in tasks/s (lower is better) then", |base| {
        each_scenario(base, |scenario| scenario.metrics[0].direction = Direction::Lower);
    });
}

#[test]
fn metrics_without_a_value_on_both_sides_are_not_listed() {
    let comparison = compare("old", &sample::run(), &sample::run());
    assert!(comparison.rows.iter().all(|row| row.metric == "rate"), "{:?}", comparison.rows);
}
