#![cfg(unix)]
use std::os::unix::fs::PermissionsExt;

use crate::support::Fixture;

#[test]
fn a_new_queue_file_is_readable_by_its_owner_only() {
    let fixture = Fixture::new();
    fixture.enqueue("secret");
    let mut names = Vec::new();
    for entry in std::fs::read_dir(fixture.folder.path()).unwrap() {
        let entry = entry.unwrap();
        let mode = entry.metadata().unwrap().permissions().mode() & 0o777;
        assert_eq!(mode, 0o600, "{:?}", entry.path());
        names.push(entry.file_name().into_string().unwrap());
    }
    names.sort();
    assert_eq!(names, ["queue.db", "queue.db-shm", "queue.db-wal"]);
}
