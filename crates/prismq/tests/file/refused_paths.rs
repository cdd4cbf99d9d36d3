use prismq::{Error, Queue};

#[track_caller]
fn assert_unusable(path: &std::path::Path, reason: &str) {
    let error = Queue::open(path).unwrap_err();
    assert!(matches!(error, Error::Unusable { .. }), "{error:?}");
    let text = error.to_string();
    assert!(text.contains(reason) && text.contains(path.to_str().unwrap()), "{text}");
}

#[test]
fn a_directory() {
    let folder = tempfile::tempdir().unwrap();
    assert_unusable(folder.path(), "it is a directory");
}

#[test]
fn a_file_in_a_folder_that_does_not_exist() {
    let folder = tempfile::tempdir().unwrap();
    assert_unusable(&folder.path().join("missing/queue.db"), "its folder does not exist");
}

#[test]
fn a_read_only_file() {
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
fn a_symbolic_link_or_a_second_name() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("queue.db");
    drop(Queue::open(&path).unwrap());
    let link = folder.path().join("link.db");
    std::os::unix::fs::symlink(&path, &link).unwrap();
    assert_unusable(&link, "it is a symbolic link");
    std::fs::hard_link(&path, folder.path().join("name.db")).unwrap();
    assert_unusable(&path, "more than one name");
}

/// As the volumes of containers are mounted, whose users cannot change that: it is warned of.
#[cfg(unix)]
#[test]
fn a_folder_that_every_user_can_write_is_not() {
    use std::os::unix::fs::PermissionsExt;

    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("queue.db");
    for mode in [0o777, 0o1777, 0o775, 0o702] {
        let permissions = std::fs::Permissions::from_mode(mode);
        std::fs::set_permissions(folder.path(), permissions).unwrap();
        drop(Queue::open(&path).unwrap());
    }
}

/// What SQLite would open beside the file, and through which another's file would be written.
#[cfg(unix)]
#[test]
fn a_wal_that_is_a_symbolic_link() {
    for (suffix, there) in [("-wal", true), ("-shm", true), ("-wal", false), ("-journal", false)] {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("queue.db");
        if there {
            drop(Queue::open(&path).unwrap());
        }
        let target = folder.path().join("target");
        std::fs::write(&target, []).unwrap();
        let link = folder.path().join(format!("queue.db{suffix}"));
        std::os::unix::fs::symlink(&target, link).unwrap();
        let error = Queue::open(&path).unwrap_err();
        assert!(matches!(error, Error::Unusable { .. }), "{suffix}: {error:?}");
        assert_eq!(std::fs::metadata(&target).unwrap().len(), 0, "{suffix}");
        assert_eq!(path.exists(), there, "nothing is created");
    }
}
