use prismq_record::files::{FileError, Selection, gather};

use crate::support::sample;

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
fn a_file_that_is_no_record_is_an_error_that_names_it() {
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
