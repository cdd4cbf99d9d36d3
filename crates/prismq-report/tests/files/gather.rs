use prismq_record::files::{FileError, Selection, gather};

use crate::support::sample;

#[test]
fn the_latest_run_counts_and_says_what_it_lacks() {
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
fn nothing_to_gather_is_an_error() {
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
    assert!(error.ends_with(&format!("the latest there are of {}", sample::RUN)), "{error}");
}
