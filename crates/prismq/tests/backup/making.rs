//! Making a backup while the queue is used.
//!
//! Failure mode: backup: while others write, to a path that cannot be | a whole copy of one moment, or a typed error and no file

use std::fs;
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;

use prismq::{Error, NewTask, Queue};
use rusqlite::Connection;

use super::{names, next_to};
use crate::support::{Fixture, TestProcess, claim, task, text, wait_until};

#[test]
fn a_backup_is_one_file_with_all_tasks_that_only_its_owner_can_read() {
    let fixture = Fixture::new();
    fixture.enqueue("small");
    let large = "x".repeat(100_000);
    fixture.enqueue(&large);
    let folder = tempfile::tempdir().unwrap();
    let backup = folder.path().join("backup.db");
    let report = fixture.queue.backup(&backup).unwrap();
    assert_eq!(names(&backup), ["backup.db"]);
    assert_eq!(report.bytes, fs::metadata(&backup).unwrap().len());
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt as _;
        assert_eq!(fs::metadata(&backup).unwrap().permissions().mode() & 0o777, 0o600);
    }
    let copy = Queue::builder(&backup).clock(fixture.clock.clone()).open().unwrap();
    let texts: Vec<_> = copy.claim(&claim().max(9)).unwrap().iter().map(text).collect();
    assert_eq!(texts, ["small", large.as_str()]);
    // The original is unchanged and goes on.
    assert_eq!(fixture.claimed(9), ["small", large.as_str()]);
}

#[test]
fn a_lease_of_the_original_does_not_fit_its_backup() {
    let fixture = Fixture::new();
    fixture.enqueue("running");
    let lease = fixture.claim_one();
    let backup = next_to(&fixture, "backup.db");
    fixture.queue.backup(&backup).unwrap();
    let copy = Queue::builder(&backup).clock(fixture.clock.clone()).open().unwrap();
    assert!(matches!(copy.complete(&lease), Err(Error::ForeignLease { .. })));
    fixture.queue.complete(&lease).unwrap();
}

#[test]
fn a_backup_is_of_one_moment_while_others_write() {
    let fixture = Fixture::new();
    let stop = AtomicBool::new(false);
    thread::scope(|scope| {
        let writer = fixture.another_handle();
        let stopped = &stop;
        scope.spawn(move || {
            while !stopped.load(Ordering::Relaxed) {
                // Both or none.
                writer.enqueue_all(&[task("a"), NewTask::new("other", vec![7; 5000])]).unwrap();
            }
        });
        for round in 0..5 {
            let backup = next_to(&fixture, &format!("backup-{round}.db"));
            fixture.queue.backup(&backup).unwrap();
            let copy = Connection::open(&backup).unwrap();
            let count = "SELECT sum(payload IS NULL), sum(payload IS NOT NULL),
                                (SELECT count(*) FROM prismq_payload),
                                (SELECT ready FROM prismq_queue) FROM prismq_task";
            let read = |row: &rusqlite::Row<'_>| {
                Ok([0, 1, 2, 3].map(|at| row.get::<_, Option<i64>>(at).unwrap().unwrap_or(0)))
            };
            let counted = copy.query_row(count, [], read).unwrap_or_default();
            assert_eq!((counted[0], counted[0] * 2), (counted[1], counted[3]), "{counted:?}");
            assert_eq!(counted[0], counted[2]);
        }
        stop.store(true, Ordering::Relaxed);
    });
}

#[test]
fn a_backup_overwrites_nothing_and_leaves_nothing_behind_when_it_is_refused() {
    let fixture = Fixture::new();
    let there = next_to(&fixture, "there.db");
    fs::write(&there, "precious").unwrap();
    #[cfg(unix)]
    std::os::unix::fs::symlink("nowhere", next_to(&fixture, "link.db")).unwrap();
    fs::write(next_to(&fixture, "other.db-wal"), "left by another database").unwrap();
    let before = names(&there);
    for name in ["there.db", "queue.db", "link.db", "no/folder.db", "other.db"] {
        if cfg!(not(unix)) && name == "link.db" {
            continue;
        }
        let error = fixture.queue.backup(next_to(&fixture, name)).unwrap_err();
        assert!(matches!(error, Error::Unusable { .. }), "{name}: {error:?}");
    }
    assert_eq!(fs::read(&there).unwrap(), b"precious");
    assert_eq!(names(&there), before);
    fixture.enqueue("it goes on");
}

#[test]
fn what_a_backup_that_was_killed_left_is_in_no_later_ones_way() {
    let fixture = Fixture::new();
    fs::write(next_to(&fixture, "backup.db.partial"), "half of a backup").unwrap();
    fixture.queue.backup(next_to(&fixture, "backup.db")).unwrap();
    assert!(!next_to(&fixture, "backup.db.partial").exists());
}

#[test]
#[ignore = "started by a_backup_that_is_killed_leaves_no_file_under_its_name"]
fn maker() {
    let (file, _watchdog) = TestProcess::file();
    let queue = Queue::open(&file).unwrap();
    queue.backup(file.with_file_name("backup.db")).unwrap();
}

/// Whether a file is there that is not empty.
fn is_whole(path: &Path) -> bool {
    fs::metadata(path).is_ok_and(|metadata| metadata.len() > 0)
}

#[test]
fn a_backup_that_is_killed_leaves_no_file_under_its_name() {
    let fixture = Fixture::new();
    for _ in 0..30 {
        fixture.enqueue(&"x".repeat(1 << 20));
    }
    let backup = next_to(&fixture, "backup.db");
    let partial = next_to(&fixture, "backup.db.partial");
    let maker = TestProcess::start(concat!(module_path!(), "::maker"), &fixture.path());
    wait_until!(partial.exists() || is_whole(&backup));
    maker.kill();
    if partial.exists() {
        assert!(!backup.exists(), "a name for what is not complete");
        fixture.queue.backup(&backup).unwrap();
    }
    // A machine that makes a copy of 30 MiB before it can be killed has made a whole one.
    assert_eq!(Queue::open(&backup).unwrap().stats("default").unwrap().ready, 30);
    assert!(!partial.exists());
}

#[test]
fn of_backups_to_one_name_at_once_one_is_made_and_whole() {
    let fixture = Fixture::new();
    fixture.enqueue(&"x".repeat(1 << 20));
    let backup = next_to(&fixture, "backup.db");
    let made: usize = thread::scope(|scope| {
        let make = || usize::from(fixture.queue.backup(&backup).is_ok());
        let threads: Vec<_> = (0..3).map(|_| scope.spawn(make)).collect();
        threads.into_iter().map(|thread| thread.join().unwrap()).sum()
    });
    assert_eq!(made, 1);
    assert_eq!(Queue::open(&backup).unwrap().stats("default").unwrap().ready, 1);
    assert!(!next_to(&fixture, "backup.db.partial").exists());
}

#[test]
fn a_backup_of_an_attached_database_holds_the_applications_tables() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("app.db");
    Connection::open(&path)
        .unwrap()
        .execute_batch("CREATE TABLE user AS SELECT 'ann' AS name")
        .unwrap();
    let queue = Queue::attach(&path).unwrap();
    let backup = folder.path().join("backup.db");
    queue.backup(&backup).unwrap();
    let name = "SELECT name FROM user";
    let name: String =
        Connection::open(&backup).unwrap().query_row(name, [], |row| row.get(0)).unwrap();
    assert_eq!(name, "ann");
    drop(queue);
    Connection::open(&path).unwrap().execute_batch("DELETE FROM user").unwrap();
    Queue::restore(&backup).to(&path).unwrap();
    let count = "SELECT count(*) FROM user";
    let count: i64 =
        Connection::open(&path).unwrap().query_row(count, [], |row| row.get(0)).unwrap();
    assert_eq!(count, 1);
}
