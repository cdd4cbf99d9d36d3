//! A program that links the system's SQLite: used if it is new enough, and refused with the reason if it is not.
#![cfg(test)]

use prismq::{Error, NewTask, Queue};

/// The first SQLite without a race that can lose commits of a shared WAL.
const SQLITE_VERSION_MIN: i32 = 3_051_003;

#[test]
fn the_systems_sqlite_is_used_or_refused_by_its_version() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("queue.db");
    let version = rusqlite::version();
    match Queue::open(&path) {
        Ok(queue) => {
            assert!(rusqlite::version_number() >= SQLITE_VERSION_MIN, "{version}");
            queue.enqueue(&NewTask::new("job", *b"x")).unwrap();
        }
        Err(refused) => {
            assert!(rusqlite::version_number() < SQLITE_VERSION_MIN, "{version}: {refused}");
            assert!(matches!(refused, Error::Unusable { .. }), "{refused:?}");
            let text = refused.to_string();
            assert!(text.contains(version) && text.contains("3.51.3 or newer"), "{text}");
            assert!(!path.exists(), "nothing is left behind");
        }
    }
}
