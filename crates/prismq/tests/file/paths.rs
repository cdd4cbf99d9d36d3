//! By which paths a queue is reached, and which files an open creates.
#![cfg(unix)]

use std::ffi::OsString;
use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::{Path, PathBuf};

use prismq::{Error, Queue};

use crate::support::{Fixture, TestProcess, Watchdog, claim, task};

fn names(folder: &Path) -> Vec<OsString> {
    let mut names: Vec<_> =
        fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    names.sort();
    names
}

#[test]
fn the_folder_may_be_reached_through_symbolic_links() {
    let folder = tempfile::tempdir().unwrap();
    let releases = folder.path().join("releases/7/state");
    fs::create_dir_all(&releases).unwrap();
    symlink("releases/7", folder.path().join("current")).unwrap();
    symlink(folder.path().join("current/state"), folder.path().join("state")).unwrap();

    let by_link = Queue::open(folder.path().join("current/state/queue.db")).unwrap();
    let by_links = Queue::open(folder.path().join("state/queue.db")).unwrap();
    let by_name = Queue::open(releases.join("queue.db")).unwrap();
    by_link.enqueue(task("once")).unwrap();
    let leases = by_links.claim(&claim()).unwrap();
    by_name.complete(&leases[0]).unwrap();
    assert_eq!(names(&releases), ["queue.db", "queue.db-shm", "queue.db-wal"]);

    // The link may be set to another folder: an open queue stays with its file.
    fs::create_dir_all(folder.path().join("releases/8/state")).unwrap();
    fs::remove_file(folder.path().join("current")).unwrap();
    symlink("releases/8", folder.path().join("current")).unwrap();
    by_link.enqueue(task("stays")).unwrap();
    assert_eq!(by_name.stats("default").unwrap().ready, 1);
}

/// A path of exactly this many bytes, in folders that exist.
fn path_of(bytes: usize, folder: &Path) -> PathBuf {
    let mut path = folder.canonicalize().unwrap();
    while bytes - path.as_os_str().len() > 150 {
        path.push("d".repeat(100));
    }
    fs::create_dir_all(&path).unwrap();
    let left = bytes - path.as_os_str().len() - 1;
    path.push("q".repeat(left));
    path
}

#[test]
fn a_path_that_is_too_long_is_refused_and_not_created() {
    let folder = tempfile::tempdir().unwrap();
    let longest = path_of(504, folder.path());
    Queue::open(&longest).unwrap().enqueue(task("there")).unwrap();
    let longest_name = folder.path().join("q".repeat(247));
    Queue::open(longest_name).unwrap().enqueue(task("there")).unwrap();
    for path in [path_of(505, folder.path()), folder.path().join("q".repeat(248))] {
        let error = Queue::open(&path).unwrap_err();
        assert!(matches!(error, Error::Unusable { .. }), "{error:?}");
        assert!(error.to_string().contains("too long"), "{error}");
        assert!(!path.exists());
    }
}

#[test]
#[ignore = "started by the test below, in a process that may write no file"]
fn opening_without_space_is_reported_as_full() {
    let (path, _watchdog) = TestProcess::file();
    let error = Queue::open(path).unwrap_err();
    assert!(error.is_full(), "{error:?}");
}

/// Such as one on a full disk.
#[test]
fn a_failed_creation_leaves_no_file() {
    let _watchdog = Watchdog::start();
    let folder = tempfile::tempdir().unwrap();
    let existing = folder.path().join("empty.db");
    fs::write(&existing, []).unwrap();
    for path in [folder.path().join("queue.db"), existing] {
        let open = concat!(module_path!(), "::opening_without_space_is_reported_as_full");
        TestProcess::start_with_file_limit(open, 0, &path).output();
        assert_eq!(names(folder.path()), ["empty.db"], "an existing file stays");
    }
}

/// Failure mode: file: readable by others | mode 0600 from its creation, and that of its -wal and -shm; the log warns of wider modes and of folders that every user can write
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
