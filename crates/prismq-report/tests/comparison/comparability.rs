//! Which runs and scenarios can be compared.

use prismq_judge::comparison::{Change, compare};
use prismq_record::{Known, RunRecord};

use crate::support::sample;

#[track_caller]
fn not_comparable(change: impl Fn(&mut RunRecord)) {
    let mut other = sample::run();
    change(&mut other);
    let comparison = compare("old", &other, &sample::run());
    assert!(comparison.not_comparable.is_some());
    assert!(comparison.rows.is_empty());
}

#[test]
fn only_equal_work_on_the_same_machine_is_compared() {
    let same = compare("old", &sample::run(), &sample::run());
    assert_eq!(same.not_comparable, None);
    assert!(same.rows.iter().all(|row| row.change == Change::Unchanged));

    let each = |run: &mut RunRecord, change: fn(&mut prismq_record::SuiteRecord)| {
        run.suites.iter_mut().for_each(change);
    };
    not_comparable(|run| each(run, |suite| suite.engine = "pooled".to_owned()));
    not_comparable(|run| each(run, |suite| suite.profile = "smoke".to_owned()));
    not_comparable(|run| {
        each(run, |suite| suite.environment.machine.cpu = Known::value("other".to_owned()));
    });
    not_comparable(|run| run.suites[0].profile = "smoke".to_owned());

    // A new kernel or commit is still the same machine.
    let mut updated = sample::run();
    for suite in &mut updated.suites {
        suite.environment.machine.kernel = Known::value("Linux 7.0".to_owned());
        suite.environment.git = Known::unknown("not a repository");
    }
    assert_eq!(compare("old", &updated, &sample::run()).not_comparable, None);
}

#[test]
fn a_scenario_with_other_parameters_is_not_comparable() {
    let mut other = sample::run();
    other.suites[0].scenarios[0].parameters.insert("tasks".to_owned(), 7.into());
    let comparison = compare("old", &other, &sample::run());
    let Change::NotComparable { reason } = &comparison.rows[0].change else { panic!() };
    assert!(reason.contains("tasks"), "{reason}");
}

#[test]
fn metrics_of_one_side_only_are_listed() {
    let mut fewer = sample::run();
    fewer.suites[0].scenarios[0].metrics.remove(0);
    let changes = |before: &RunRecord, after: &RunRecord| {
        let rows = compare("old", before, after).rows;
        rows.into_iter().find(|row| row.change != Change::Unchanged).unwrap().change
    };
    assert_eq!(changes(&sample::run(), &fewer), Change::Missing);
    assert_eq!(changes(&fewer, &sample::run()), Change::New);
}
