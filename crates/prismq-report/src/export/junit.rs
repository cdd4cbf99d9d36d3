//! JUnit: a test case a target, a suite of them for each suite, and one case that says whether the
//! figures can be trusted at all.

use std::time::Duration;

use quick_junit::{NonSuccessKind, Report, TestCase, TestCaseStatus, TestSuite};

use super::{ExportError, name, sentence};
use crate::record::{RunRecord, SuiteRecord};
use crate::targets::{Check, Outcome};
use crate::verdict::Verdict;

/// A run and its verdict as XML. A missed target is a failure, one that is undecided or was not measured is
/// skipped; a target without a figure is an error, and so is a run that cannot be trusted.
///
/// # Errors
/// [`ExportError::Format`], which only a defect in the writer causes.
pub fn junit(run: &RunRecord, verdict: &Verdict) -> Result<String, ExportError> {
    let mut report = Report::new("prismq");
    report.set_time(took(run.ended_at.duration_since(run.started_at)));
    report.add_test_suite(trust(run, verdict));
    let mut names: Vec<&str> = verdict.checks.iter().map(suite_of).collect();
    names.sort_unstable();
    names.dedup();
    for suite in names {
        let cases = verdict.checks.iter().filter(|check| suite_of(check) == suite).map(case);
        let mut tests = TestSuite::new(suite);
        tests.add_test_cases(cases);
        if let Some(record) = run.suites.iter().find(|record| record.suite == suite) {
            tests.set_time(duration(record));
        }
        report.add_test_suite(tests);
    }
    let failed = |reason| ExportError::Format { format: "JUnit", reason };
    report.to_string().map_err(|error| failed(error.to_string()))
}

fn trust(run: &RunRecord, verdict: &Verdict) -> TestSuite {
    let mut status = TestCaseStatus::success();
    if !verdict.invalid.is_empty() {
        status = TestCaseStatus::non_success(NonSuccessKind::Error);
        let count = verdict.invalid.len();
        status.set_message(format!("run {} cannot be trusted, for {count} reasons", run.run_id));
        status.set_type("invalid").set_description(verdict.invalid.join("\n"));
    }
    let mut case = TestCase::new("the figures can be trusted", status);
    case.set_classname("validity");
    let mut suite = TestSuite::new("validity");
    suite.add_test_case(case);
    suite
}

fn suite_of(check: &Check) -> &str {
    check.target.scenario.split('/').next().unwrap_or_default()
}

fn case(check: &Check) -> TestCase {
    let mut status = match check.outcome {
        Outcome::Met { .. } => TestCaseStatus::success(),
        Outcome::Undecided { .. } | Outcome::NotMeasured { .. } => TestCaseStatus::skipped(),
        Outcome::Missed { .. } => TestCaseStatus::non_success(NonSuccessKind::Failure),
        Outcome::NoData { .. } => TestCaseStatus::non_success(NonSuccessKind::Error),
    };
    match check.outcome {
        Outcome::Met { .. } => {}
        Outcome::Undecided { .. } | Outcome::NotMeasured { .. } => {
            status.set_message(sentence(check));
        }
        Outcome::Missed { .. } => {
            status.set_message(sentence(check)).set_type("target missed");
        }
        Outcome::NoData { .. } => {
            status.set_message(sentence(check)).set_type("no data");
        }
    }
    let mut case = TestCase::new(name(&check.target), status);
    case.set_classname(suite_of(check)).set_system_out(sentence(check));
    case
}

fn duration(suite: &SuiteRecord) -> Duration {
    took(suite.ended_at.duration_since(suite.started_at))
}

/// A clock that was set back in the meantime makes no negative time.
fn took(time: jiff::SignedDuration) -> Duration {
    Duration::try_from(time).unwrap_or_default()
}
