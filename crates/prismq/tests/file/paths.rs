//! Which paths a queue is found by, and what is left where it cannot be opened.
#![cfg(unix)]
use std::env;
use std::ffi::OsString;
use std::fs;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};

use crate::support::{FILE, claim, run_with_file_limit, task};
use prismq::{Error, Queue};

fn names(folder: &Path) -> Vec<OsString> {
    let mut names: Vec<_> =
        fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    names.sort();
    names
}

#[test]
fn a_folder_may_be_reached_through_links() {
    let folder = tempfile::tempdir().unwrap();
    let releases = folder.path().join("releases/7/state");
    fs::create_dir_all(&releases).unwrap();
    symlink("releases/7", folder.path().join("current")).unwrap();
    symlink(folder.path().join("current/state"), folder.path().join("state")).unwrap();

    let by_link = Queue::open(folder.path().join("current/state/queue.db")).unwrap();
    let by_links = Queue::open(folder.path().join("state/queue.db")).unwrap();
    let by_name = Queue::open(releases.join("queue.db")).unwrap();
    by_link.enqueue(&task("once")).unwrap();
    let leases = by_links.claim(&claim()).unwrap();
    by_name.complete(&leases[0]).unwrap();
    assert_eq!(names(&releases), ["queue.db", "queue.db-shm", "queue.db-wal"]);

    // The link may be set to another folder: an open queue stays with its file.
    fs::create_dir_all(folder.path().join("releases/8/state")).unwrap();
    fs::remove_file(folder.path().join("current")).unwrap();
    symlink("releases/8", folder.path().join("current")).unwrap();
    by_link.enqueue(&task("stays")).unwrap();
    assert_eq!(by_name.stats("default").unwrap().ready, 1);
}

/// A path of exactly this many bytes, its folders made.
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
fn a_path_too_long_for_sqlite_is_refused_and_not_created() {
    let folder = tempfile::tempdir().unwrap();
    let longest = path_of(504, folder.path());
    Queue::open(&longest).unwrap().enqueue(&task("there")).unwrap();
    let longest_name = folder.path().join("q".repeat(247));
    Queue::open(longest_name).unwrap().enqueue(&task("there")).unwrap();
    for path in [path_of(505, folder.path()), folder.path().join("q".repeat(248))] {
        let error = Queue::open(&path).unwrap_err();
        assert!(matches!(error, Error::Unusable { .. }), "{error:?}");
        assert!(error.to_string().contains("too long"), "{error}");
        assert!(!path.exists());
    }
}

#[test]
#[ignore = "started by the test below, in a process that may write no file"]
fn open_where_nothing_can_be_written() {
    let path = env::var_os(FILE).unwrap();
    let error = Queue::open(path).unwrap_err();
    assert!(error.is_full(), "{error:?}");
}

/// Such as on a full disk.
#[test]
fn a_file_that_could_not_be_made_a_queue_is_not_left() {
    let folder = tempfile::tempdir().unwrap();
    let there_before = folder.path().join("empty.db");
    fs::write(&there_before, []).unwrap();
    for path in [folder.path().join("queue.db"), there_before] {
        let open = "file::paths::open_where_nothing_can_be_written";
        let output = run_with_file_limit(open, 0, &path);
        assert!(output.status.success(), "{output:?}");
        assert_eq!(names(folder.path()), ["empty.db"], "what was there before stays");
    }
}
