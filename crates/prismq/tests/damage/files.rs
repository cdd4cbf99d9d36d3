//! Files that are not a valid queue: refused, and left as they are.
//!
//! Failure mode: file: corrupt, or no queue | a typed error; unchanged when it is refused at opening

use std::path::{Path, PathBuf};

use prismq::{Error, NewTask, Queue};
use rusqlite::Connection;
use tempfile::TempDir;

fn file(name: &str) -> (TempDir, PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join(name);
    (folder, path)
}

/// Asserts that an open fails and leaves the file byte for byte as it was, and returns the error.
#[track_caller]
fn refused(path: &Path) -> Error {
    let before = std::fs::read(path).unwrap();
    let error = Queue::open(path).unwrap_err();
    assert_eq!(std::fs::read(path).unwrap(), before, "{error}");
    error
}

/// A queue with tasks, all of them in the main file.
fn queue_file(path: &Path) {
    let queue = Queue::open(path).unwrap();
    queue.enqueue_all(vec![NewTask::new("job", [7; 500]); 200]).unwrap();
}

fn set_version(path: &Path, version: i32) {
    let file = Connection::open(path).unwrap();
    file.execute("UPDATE prismq_meta SET version = ?1", [version]).unwrap();
}

#[test]
fn random_bytes_are_not_a_database() {
    let (_folder, path) = file("random.db");
    let bytes: Vec<u8> =
        (0..20_000_u32).map(|n| (n.wrapping_mul(2_654_435_761) >> 13) as u8).collect();
    std::fs::write(&path, bytes).unwrap();
    let error = refused(&path);
    assert!(matches!(error, Error::NotADatabase { .. }) && error.is_corrupt(), "{error:?}");
}

#[test]
fn a_database_of_another_program_is_foreign() {
    let (_folder, path) = file("foreign.db");
    let foreign = Connection::open(&path).unwrap();
    foreign.execute_batch("CREATE TABLE notes (text); PRAGMA application_id = 77").unwrap();
    drop(foreign);
    let error = refused(&path);
    assert!(matches!(error, Error::Foreign { application_id: 77, .. }), "{error:?}");
}

#[test]
fn a_database_without_an_application_id_is_foreign() {
    let (_folder, path) = file("unmarked.db");
    Connection::open(&path).unwrap().execute_batch("CREATE TABLE notes (text)").unwrap();
    assert!(matches!(refused(&path), Error::Foreign { application_id: 0, .. }));
}

/// Failure mode: file: written by a newer or older version
#[test]
fn a_newer_schema_version_is_refused() {
    let (_folder, path) = file("newer.db");
    queue_file(&path);
    set_version(&path, 999);
    let error = refused(&path);
    assert!(matches!(error, Error::SchemaTooNew { found: 999, .. }), "{error:?}");
}

/// Its tasks must be neither changed by this version nor lost silently.
#[test]
fn an_older_schema_version_is_refused() {
    let (_folder, path) = file("older.db");
    queue_file(&path);
    set_version(&path, 1);
    let error = refused(&path);
    assert!(matches!(error, Error::SchemaTooOld { found: 1, .. }), "{error:?}");
    let text = error.to_string();
    assert!(
        text.contains("finish its tasks") && text.ends_with("delete it with its -wal and -shm"),
        "{text}"
    );
}

/// Its tables had no prefix, and its version was in the header.
#[test]
fn a_file_from_before_queues_shared_files_is_refused_by_open_and_attach() {
    let (_folder, path) = file("old.db");
    let old = "CREATE TABLE task (id INTEGER PRIMARY KEY); PRAGMA user_version = 2;
               PRAGMA application_id = 1347571025";
    Connection::open(&path).unwrap().execute_batch(old).unwrap();
    let errors = [refused(&path), Queue::attach(&path).unwrap_err()];
    for error in errors {
        let old = matches!(error, Error::SchemaTooOld { found: 2, supported: 3, .. });
        assert!(old && error.to_string().contains("finish its tasks"), "{error}");
    }
}

#[test]
fn a_schema_version_below_one_is_corrupt() {
    for version in [0, -1, i32::MIN] {
        let (_folder, path) = file("versionless.db");
        queue_file(&path);
        set_version(&path, version);
        let error = refused(&path);
        assert!(error.is_corrupt() && error.to_string().contains("version"), "{error}");
    }
}

#[test]
fn a_missing_index_is_corrupt() {
    let (_folder, path) = file("holes.db");
    queue_file(&path);
    Connection::open(&path).unwrap().execute_batch("DROP INDEX prismq_task_ready").unwrap();
    let error = refused(&path);
    assert!(error.is_corrupt() && error.to_string().contains("prismq_task_ready"), "{error}");
}

#[test]
fn overwritten_pages_are_corrupt() {
    let (_folder, path) = file("damaged.db");
    queue_file(&path);
    let mut bytes = std::fs::read(&path).unwrap();
    // All but the first page, which holds the header and the schema.
    bytes[4096..].fill(0xA5);
    std::fs::write(&path, bytes).unwrap();
    let error = refused(&path);
    assert!(matches!(error, Error::Corrupt { .. }), "{error:?}");
}

#[test]
fn an_empty_file_becomes_a_queue() {
    let (_folder, path) = file("empty.db");
    std::fs::write(&path, []).unwrap();
    Queue::open(&path).unwrap().enqueue(NewTask::new("job", [])).unwrap();
}
