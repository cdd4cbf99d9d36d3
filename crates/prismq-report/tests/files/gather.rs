//! How the records of a run are found and read.

use prismq_record::files::{FileError, Selection, gather};

use crate::support::sample;

#[test]
fn the_latest_run_is_gathered_with_its_missing_suites() {
    let folder = tempfile::tempdir().unwrap();
    sample::write(folder.path(), &sample::run());
    let mut later = sample::suite("stress");
    later.run_id = "01KAVB00000000000000000000".to_owned();
    later.started_at = sample::at(100);
    let mut again = later.clone();
    again.started_at = sample::at(200);
    again.profile = "smoke".to_owned();
    for suite in [&again, &later] {
        prismq_record::files::write_suite(folder.path(), suite).unwrap();
    }
    let run = gather(folder.path(), &Selection::Latest).unwrap();
    assert_eq!(run.missing, ["concurrency", "latency", "memory", "throughput"]);
    assert_eq!(run.suites, [again], "the later of two counts");

    let first = gather(folder.path(), &Selection::Id(sample::RUN.to_owned())).unwrap();
    assert_eq!(first, sample::run());
}

#[test]
fn a_folder_without_records_is_an_error() {
    let folder = tempfile::tempdir().unwrap();
    let nowhere = folder.path().join("nowhere");
    let error = gather(&nowhere, &Selection::Latest).unwrap_err();
    assert!(
        matches!(error, FileError::NoRecords { .. }) && error.to_string().contains("cargo bench")
    );
    let other = Selection::Id("X".to_owned());
    let error = gather(&nowhere, &other).unwrap_err();
    assert!(matches!(error, FileError::NoSuchRun { .. }), "{error}");
    sample::write(folder.path(), &sample::run());
    let error = gather(folder.path(), &other).unwrap_err().to_string();
    assert!(error.ends_with(&format!("its latest runs are {}", sample::RUN)), "{error}");
}

#[track_caller]
fn error_of(text: &str) -> FileError {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("latency_results_20260101_000000.json");
    std::fs::write(&path, text).unwrap();
    let error = gather(folder.path(), &Selection::Latest).unwrap_err();
    assert!(error.to_string().contains("latency_results_20260101_000000.json"), "{error}");
    error
}

fn changed(change: impl FnOnce(&mut serde_json::Value)) -> String {
    let mut json = serde_json::to_value(sample::suite("latency")).unwrap();
    change(&mut json);
    json.to_string()
}

#[test]
fn a_file_that_is_not_a_record_is_an_error_with_its_name() {
    let error = error_of("{\"schema\": \"prismq/suite\", ");
    assert!(matches!(&error, FileError::NotARecord { .. }) && error.to_string().contains("line 1"));
    let error = error_of(&changed(|json| json["scenarios"] = 7.into()));
    assert!(matches!(error, FileError::NotARecord { .. }), "{error}");
    let error = error_of(&changed(|json| json["schema"] = "other".into()));
    assert!(matches!(error, FileError::Schema { .. }), "{error}");
    let error = error_of(&changed(|json| json["schema_version"] = "2.0.0".into()));
    assert!(matches!(error, FileError::Version { .. }), "{error}");
    let error = error_of(&changed(|json| json["suite"] = "speed".into()));
    assert!(matches!(error, FileError::UnknownSuite { .. }), "{error}");
}
