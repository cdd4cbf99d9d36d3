//! Combined records that contradict themselves.

use prismq_record::files::{FileError, read_run, read_suite};
use serde_json::{Value, json};

use crate::support::sample;

#[track_caller]
fn refused(change: impl FnOnce(&mut Value)) -> FileError {
    let mut run = serde_json::to_value(sample::run()).unwrap();
    change(&mut run);
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("mine.json");
    std::fs::write(&path, run.to_string()).unwrap();
    let error = read_run(&path).unwrap_err();
    assert!(error.to_string().contains("mine.json"), "{error}");
    error
}

#[test]
fn a_contradictory_combined_record_is_refused() {
    // A suite that is neither there nor listed as missing would never be noticed.
    let error = refused(|run| {
        run["suites"].as_array_mut().unwrap().remove(1);
    });
    assert!(error.to_string().contains("suite latency occurs 0 times and is missing 0"), "{error}");
    let error = refused(|run| run["suites"] = json!([]));
    assert!(matches!(error, FileError::Contradiction { .. }), "{error}");
    let error = refused(|run| run["missing"] = json!(["latency"]));
    assert!(matches!(error, FileError::Contradiction { .. }), "{error}");
    let error = refused(|run| run["suites"][0] = run["suites"][1].clone());
    assert!(matches!(error, FileError::Contradiction { .. }), "{error}");
    let error = refused(|run| run["suites"][2]["run_id"] = json!("another"));
    assert!(error.to_string().contains("suite memory is of run another"), "{error}");
}

#[test]
fn each_suite_of_a_combined_record_is_checked_as_one_alone() {
    let error = refused(|run| run["suites"][0]["suite"] = json!("speed"));
    assert!(matches!(error, FileError::UnknownSuite { .. }), "{error}");
    let error = refused(|run| run["suites"][0]["schema_version"] = json!("9.0.0"));
    assert!(matches!(error, FileError::Version { .. }), "{error}");
    let error = refused(|run| run["suites"][0]["schema"] = json!("prismq/run"));
    assert!(matches!(error, FileError::Schema { .. }), "{error}");
}

#[test]
fn a_duplicate_scenario_is_refused() {
    let mut suite = sample::suite("latency");
    suite.scenarios.push(suite.scenarios[0].clone());
    let folder = tempfile::tempdir().unwrap();
    let path = prismq_record::files::write_suite(folder.path(), &suite).unwrap();
    let error = read_suite(&path).unwrap_err();
    assert!(error.to_string().contains("latency/drain/workers=5 occurs twice"), "{error}");
}
