//! Restoring a backup to where nobody has a file open.
//!
//! Failure mode: restore: over a file that is open, damaged, or has a WAL of before | refused, or the backup's content as a whole

use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use prismq::{Claim, Error, Queue, State, TaskId};
use rusqlite::Connection;

use super::{names, next_to};
use crate::support::{Fixture, LEASE, TestProcess, claim, text};

/// A queue whose backup holds one task, and the file many.
fn backed_up(fixture: &Fixture) -> PathBuf {
    fixture.enqueue("of the backup");
    let backup = next_to(fixture, "backup.db");
    fixture.queue.backup(&backup).unwrap();
    for _ in 0..50 {
        fixture.enqueue("later");
    }
    backup
}

fn open(fixture: &Fixture) -> Queue {
    Queue::builder(fixture.path()).clock(fixture.clock.clone()).open().unwrap()
}

#[track_caller]
fn assert_in_use(backup: &Path, path: &Path) {
    let refused = Queue::restore(backup).to(path).unwrap_err();
    assert!(matches!(&refused, Error::InUse { path: named } if named == path), "{refused:?}");
    assert!(refused.to_string().contains("is open here or in another process"), "{refused}");
}

#[test]
fn a_restored_file_holds_what_the_backup_does_and_nothing_of_before() {
    let fixture = Fixture::new();
    let backup = backed_up(&fixture);
    let fixture = fixture.reopen_after(|path| {
        // As a process that was killed leaves it.
        let report = Queue::restore(&backup).to(path).unwrap();
        assert_eq!(report.bytes, fs::metadata(path).unwrap().len());
        assert_eq!(names(path), ["backup.db", "queue.db"]);
    });
    assert_eq!(fixture.queue.stats("default").unwrap().ready, 1);
    assert_eq!(fixture.claimed(9), ["of the backup"]);
    // Ids go on above all that the backup has seen.
    assert!(fixture.enqueue("new") > TaskId::from_i64(1));
}

#[test]
fn a_restore_is_refused_while_anyone_has_the_file_open() {
    let fixture = Fixture::new();
    let backup = backed_up(&fixture);
    let path = fixture.path();
    assert_in_use(&backup, &path);

    let other = concat!(module_path!(), "::refused_in_another_process");
    TestProcess::start(other, &path).output();

    // Another program, of which nothing but its open connection is seen.
    let Fixture { queue, folder, .. } = fixture;
    let program = Connection::open(&path).unwrap();
    program.query_row("SELECT count(*) FROM prismq_task", [], |row| row.get::<_, i64>(0)).unwrap();
    drop(queue);
    assert_in_use(&backup, &path);
    let ready = "SELECT ready FROM prismq_queue";
    assert_eq!(program.query_row(ready, [], |row| row.get::<_, i64>(0)).unwrap(), 51);
    drop(program);
    Queue::restore(&backup).to(&path).unwrap();
    drop(folder);
}

#[test]
#[ignore = "run by another test in a process of its own"]
fn refused_in_another_process() {
    let (path, _watchdog) = TestProcess::file();
    assert_in_use(&path.with_file_name("backup.db"), &path);
}

/// The WAL of a process that was killed still holds what it had written.
#[test]
fn the_wal_of_before_is_not_replayed_over_the_restored_file() {
    let fixture = Fixture::new();
    let backup = backed_up(&fixture);
    let elsewhere = tempfile::tempdir().unwrap();
    let path = elsewhere.path().join("queue.db");
    for suffix in ["", "-wal"] {
        let from = fixture.next_to(suffix);
        fs::write(elsewhere.path().join(format!("queue.db{suffix}")), read(&from)).unwrap();
    }
    assert!(fs::metadata(elsewhere.path().join("queue.db-wal")).unwrap().len() > 0);
    Queue::restore(&backup).to(&path).unwrap();
    let queue = Queue::builder(&path).clock(fixture.clock.clone()).open().unwrap();
    assert_eq!(queue.stats("default").unwrap().ready, 1);
}

/// By another process, as closing a file in this one would drop the locks of the open queue.
fn read(path: &Path) -> Vec<u8> {
    std::process::Command::new("cat").arg(path).output().unwrap().stdout
}

#[test]
fn a_backup_is_restored_to_where_no_file_is() {
    let fixture = Fixture::new();
    let backup = backed_up(&fixture);
    let path = next_to(&fixture, "new.db");
    Queue::restore(&backup).to(&path).unwrap();
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt as _;
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
    }
    let queue = Queue::builder(&path).clock(fixture.clock.clone()).open().unwrap();
    assert_eq!(queue.stats("default").unwrap().ready, 1);
    drop(queue);
    // A WAL without its file belongs to nobody knows what.
    fs::remove_file(&path).unwrap();
    fs::write(next_to(&fixture, "new.db-wal"), "left").unwrap();
    let refused = Queue::restore(&backup).to(&path).unwrap_err();
    assert!(refused.to_string().contains("its -wal is there without it"), "{refused}");
    assert!(!path.exists());
}

#[test]
fn tasks_that_ran_at_the_backup_run_again_after_their_leases_or_at_once_if_released() {
    for release in [false, true] {
        let fixture = Fixture::new();
        fixture.enqueue("running");
        let old = fixture.claim_one();
        let cancelled = fixture.enqueue("to be cancelled");
        fixture.claim_one();
        fixture.queue.cancel(cancelled).unwrap();
        let backup = next_to(&fixture, "backup.db");
        fixture.queue.backup(&backup).unwrap();
        let fixture = fixture.reopen_after(|path| {
            let restore = Queue::restore(&backup);
            let restore = if release { restore.release_running() } else { restore };
            assert_eq!(restore.to(path).unwrap().running, 2);
        });
        assert!(matches!(fixture.queue.complete(&old), Err(Error::ForeignLease { .. })));
        if release {
            let lease = fixture.claim_one();
            assert_eq!((lease.id(), lease.attempt()), (old.id(), 1));
        } else {
            assert_eq!(fixture.claim(9), []);
            fixture.clock.advance(LEASE);
            let lease = fixture.claim_one();
            assert_eq!((lease.id(), lease.attempt()), (old.id(), 2));
        }
        let stats = fixture.queue.stats("default").unwrap();
        assert_eq!((stats.leased, stats.cancelled, stats.ready), (1, 1, 0));
    }
}

#[test]
fn released_tasks_free_the_slots_of_their_keys() {
    let fixture = Fixture::new();
    for _ in 0..2 {
        fixture.queue.enqueue(crate::support::task("job").key("account").ordered()).unwrap();
    }
    let first = fixture.claim_one();
    assert_eq!(fixture.claim(9), []);
    let backup = next_to(&fixture, "backup.db");
    fixture.queue.backup(&backup).unwrap();
    let fixture = fixture.reopen_after(|path| {
        _ = Queue::restore(&backup).release_running().to(path).unwrap();
    });
    let again = fixture.claim_one();
    assert_eq!((again.id(), again.attempt()), (first.id(), 1));
    fixture.queue.complete(&again).unwrap();
    assert_eq!(fixture.claim(9).len(), 1);
}

#[test]
fn released_tasks_expire_as_if_they_had_waited() {
    let fixture = Fixture::new();
    let task = crate::support::task("late").expires_after(Duration::from_secs(10));
    let id = fixture.queue.enqueue(task).unwrap().id();
    fixture.claim_one();
    fixture.clock.advance(Duration::from_secs(20));
    let claim_others = |queue: &Queue| queue.claim(&Claim::new(["other"])).unwrap();
    assert_eq!(
        claim_others(&fixture.queue),
        [],
        "it runs, and is not looked at until its lease ends"
    );
    let backup = next_to(&fixture, "backup.db");
    fixture.queue.backup(&backup).unwrap();
    let fixture = fixture.reopen_after(|path| {
        _ = Queue::restore(&backup).release_running().to(path).unwrap();
    });
    assert_eq!(claim_others(&fixture.queue), []);
    assert_eq!(fixture.queue.task(id).unwrap().unwrap().state, State::Dead);
}

#[test]
fn two_restores_of_one_backup_refuse_each_others_leases() {
    let fixture = Fixture::new();
    let backup = backed_up(&fixture);
    let [a, b] = ["a.db", "b.db"].map(|name| {
        let path = next_to(&fixture, name);
        Queue::restore(&backup).to(&path).unwrap();
        Queue::builder(&path).clock(fixture.clock.clone()).open().unwrap()
    });
    let lease = a.claim(&claim()).unwrap().remove(0);
    assert_eq!(text(&b.claim(&claim()).unwrap()[0]), "of the backup");
    assert!(matches!(b.complete(&lease), Err(Error::ForeignLease { .. })));
}

#[test]
fn what_is_no_undamaged_backup_is_refused_and_the_file_stays() {
    let fixture = Fixture::new();
    let backup = backed_up(&fixture);
    let bytes = fs::read(&backup).unwrap();
    let write = |name: &str, bytes: &[u8]| {
        let path = next_to(&fixture, name);
        fs::write(&path, bytes).unwrap();
        path
    };
    let mut damaged = bytes.clone();
    damaged[4096..8192].fill(0x55);
    let text = write("text.db", "no database, ".repeat(1000).as_bytes());
    let other = next_to(&fixture, "other.db");
    Connection::open(&other).unwrap().execute_batch("CREATE TABLE user (name)").unwrap();
    let backups = [
        write("damaged.db", &damaged),
        write("empty.db", &[]),
        text.clone(),
        other,
        next_to(&fixture, "none.db"),
    ];
    let fixture = fixture.reopen_after(|path| {
        let before = fs::read(path).unwrap();
        for backup in &backups {
            let refused = Queue::restore(backup).to(path).unwrap_err();
            assert!(
                matches!(
                    refused,
                    Error::Corrupt { .. }
                        | Error::NotADatabase { .. }
                        | Error::Foreign { .. }
                        | Error::Unusable { .. }
                ),
                "{refused:?}"
            );
            assert_eq!(fs::read(path).unwrap(), before);
        }
        // Nobody can tell whether a file that is no database is in use.
        let refused = Queue::restore(&backup).to(&text).unwrap_err();
        assert!(refused.to_string().contains("move it away with its -wal and -shm"), "{refused}");
    });
    assert_eq!(fixture.queue.stats("default").unwrap().ready, 51);
}

#[test]
fn a_queue_that_is_opened_after_a_restore_goes_on_with_the_time_of_its_clock() {
    let fixture = Fixture::new();
    let later = crate::support::task("later").delay(Duration::from_secs(90));
    fixture.queue.enqueue(&later).unwrap();
    let backup = next_to(&fixture, "backup.db");
    fixture.queue.backup(&backup).unwrap();
    fixture.clock.advance(Duration::from_secs(90));
    let fixture = fixture.reopen_after(|path| _ = Queue::restore(&backup).to(path).unwrap());
    assert_eq!(fixture.claimed(9), ["later"]);
    drop(open(&fixture));
}
