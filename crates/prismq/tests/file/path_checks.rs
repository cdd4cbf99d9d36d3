//! Which paths are accepted for a queue, and which are refused.
//!
//! Failure mode: file: folder missing, read-only, a directory, or a symbolic or hard link, also in the place of the -wal | refused, nothing changed

use prismq::{Error, Queue};

use crate::support::task;

#[track_caller]
fn assert_unusable(path: &std::path::Path, reason: &str) {
    let error = Queue::open(path).unwrap_err();
    assert!(matches!(error, Error::Unusable { .. }), "{error:?}");
    let text = error.to_string();
    assert!(text.contains(reason) && text.contains(path.to_str().unwrap()), "{text}");
}

#[test]
fn a_directory_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    assert_unusable(folder.path(), "it is a directory");
}

#[test]
fn a_missing_folder_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    assert_unusable(&folder.path().join("missing/queue.db"), "its folder does not exist");
}

#[test]
fn a_read_only_file_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("queue.db");
    drop(Queue::open(&path).unwrap());
    let before = std::fs::read(&path).unwrap();
    let mut permissions = std::fs::metadata(&path).unwrap().permissions();
    permissions.set_readonly(true);
    std::fs::set_permissions(&path, permissions).unwrap();
    assert_unusable(&path, "it is read-only");
    assert_eq!(std::fs::read(&path).unwrap(), before);
}

#[cfg(unix)]
#[test]
fn a_symbolic_link_or_a_second_hard_link_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("queue.db");
    drop(Queue::open(&path).unwrap());
    let link = folder.path().join("link.db");
    std::os::unix::fs::symlink(&path, &link).unwrap();
    assert_unusable(&link, "it is a symbolic link");
    std::fs::hard_link(&path, folder.path().join("name.db")).unwrap();
    assert_unusable(&path, "more than one name");
}

/// Volumes of containers are mounted so, and their users cannot change it: a warning is logged.
#[cfg(unix)]
#[test]
fn a_folder_that_every_user_can_write_is_accepted() {
    use std::os::unix::fs::PermissionsExt;

    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("queue.db");
    for mode in [0o777, 0o1777, 0o775, 0o702] {
        let permissions = std::fs::Permissions::from_mode(mode);
        std::fs::set_permissions(folder.path(), permissions).unwrap();
        drop(Queue::open(&path).unwrap());
    }
}

/// SQLite would open it next to the file, and write another file through it.
#[cfg(unix)]
#[test]
fn a_wal_that_is_a_symbolic_link_is_refused() {
    for (suffix, exists) in [("-wal", true), ("-shm", true), ("-wal", false), ("-journal", false)] {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("queue.db");
        if exists {
            drop(Queue::open(&path).unwrap());
        }
        let target = folder.path().join("target");
        std::fs::write(&target, []).unwrap();
        let link = folder.path().join(format!("queue.db{suffix}"));
        std::os::unix::fs::symlink(&target, link).unwrap();
        let error = Queue::open(&path).unwrap_err();
        assert!(matches!(error, Error::Unusable { .. }), "{suffix}: {error:?}");
        assert_eq!(std::fs::metadata(&target).unwrap().len(), 0, "{suffix}");
        assert_eq!(path.exists(), exists, "nothing is created");
    }
}

/// Failure mode: input: file name that looks like an address or an option of SQLite | a file of that name
#[test]
fn a_name_that_looks_like_a_uri_is_a_plain_file_name() {
    let folder = tempfile::tempdir().unwrap();
    for name in ["file:queue.db?mode=memory", "file::memory:", ":memory:", "a?b#c%20d.db"] {
        let path = folder.path().join(name);
        Queue::open(&path).unwrap().enqueue(task("kept")).unwrap();
        assert!(path.symlink_metadata().unwrap().len() > 0, "{name}");
        let again = Queue::open(&path).unwrap();
        assert_eq!(again.stats("default").unwrap().ready, 1, "{name}");
    }
}
