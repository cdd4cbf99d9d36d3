//! The files of an open queue are moved, deleted, replaced, truncated or restored.
//!
//! Failure mode: file: moved, removed or replaced, or its -wal, or that truncated, under an open queue | `Moved` or `Poisoned`, nothing is acknowledged; it goes on once the same file is back

use std::fs;

use prismq::{Claim, Error, NewTask, Queue, TaskId};
use rusqlite::Connection;

use crate::support::{Fixture, claim, restore, task, text};

/// Every operation and every read fails with an error that names the file and may end by itself.
#[track_caller]
fn assert_moved(fixture: &Fixture) {
    let queue = &fixture.queue;
    let refusals = [
        queue.enqueue(task("lost")).map(drop),
        queue.claim(&claim()).map(drop),
        queue.pause("default"),
        queue.stats("default").map(drop),
        queue.task(TaskId::from_i64(1)).map(drop),
        queue.settings().map(drop),
    ];
    for refused in refusals {
        let error = refused.unwrap_err();
        assert!(matches!(&error, Error::Moved { path } if *path == fixture.path()), "{error:?}");
        assert!(error.to_string().contains("moved, deleted or replaced"), "{error}");
        assert!(error.needs_intervention() && error.is_recoverable());
    }
}

#[track_caller]
fn assert_poisoned<T: std::fmt::Debug>(answer: Result<T, Error>, cause: &str) {
    let error = answer.unwrap_err();
    assert!(matches!(error, Error::Poisoned { .. }), "{error:?}");
    assert!(error.to_string().contains(cause), "{error}");
    assert!(error.needs_intervention() && !error.is_recoverable());
}

#[test]
fn a_deleted_file_is_neither_read_nor_written() {
    let fixture = Fixture::new();
    fixture.enqueue("there");
    fs::remove_file(fixture.path()).unwrap();
    assert_moved(&fixture);
}

#[test]
fn a_replaced_file_is_neither_read_nor_written() {
    let fixture = Fixture::new();
    fixture.enqueue("there");
    let other = fixture.folder.path().join("other.db");
    drop(Queue::open(&other).unwrap());
    fs::rename(&other, fixture.path()).unwrap();
    assert_moved(&fixture);
}

#[test]
fn a_moved_file_is_used_again_once_it_is_moved_back() {
    let fixture = Fixture::new();
    fixture.enqueue("there");
    let lease = fixture.claim_one();
    let elsewhere = fixture.folder.path().join("moved.db");
    fs::rename(fixture.path(), &elsewhere).unwrap();
    assert_moved(&fixture);
    assert!(matches!(fixture.queue.complete(&lease), Err(Error::Moved { .. })));

    fs::rename(&elsewhere, fixture.path()).unwrap();
    fixture.queue.complete(&lease).unwrap();
    fixture.enqueue("after");
    assert_eq!(fixture.queue.stats("default").unwrap().ready, 1);
}

/// The next connection creates a `-wal` and `-shm` of its own, without what is written into the removed ones.
#[test]
fn nothing_is_acknowledged_after_the_wal_was_deleted_or_replaced() {
    for suffix in ["-wal", "-shm"] {
        let fixture = Fixture::new();
        fixture.enqueue("before");
        fs::remove_file(fixture.next_to(suffix)).unwrap();
        assert_poisoned(fixture.queue.enqueue(task("lost")), suffix);
        assert_poisoned(fixture.queue.enqueue(task("lost")), suffix);
        assert_poisoned(fixture.queue.stats("default"), suffix);

        let fixture = Fixture::new();
        let lease = {
            fixture.enqueue("before");
            fixture.claim_one()
        };
        let copy = fixture.folder.path().join("copy");
        fs::write(&copy, []).unwrap();
        fs::rename(&copy, fixture.next_to(suffix)).unwrap();
        assert_poisoned(fixture.queue.complete(&lease), suffix);
        assert_poisoned(fixture.queue.claim(&claim()), suffix);
    }
}

/// SQLite writes on behind the gap, before which whoever opens the file next stops reading.
#[test]
fn nothing_is_acknowledged_after_the_wal_was_truncated() {
    for kept in [0, 100, 20_000] {
        let fixture = Fixture::new();
        for number in 0..20 {
            fixture.enqueue(&number.to_string());
        }
        let lease = fixture.claim_one();
        let wal = fs::OpenOptions::new().write(true).open(fixture.next_to("-wal")).unwrap();
        wal.set_len(kept).unwrap();
        assert_poisoned(fixture.queue.complete(&lease), "-wal was truncated");
        assert_poisoned(fixture.queue.enqueue(task("lost")), "-wal was truncated");
    }
}

#[test]
fn the_wal_may_be_reset_and_truncated_by_checkpoints_of_any_process() {
    let fixture = Fixture::new();
    let other = fixture.another_handle();
    let program = Connection::open(fixture.path()).unwrap();
    for pragma in [
        "PRAGMA wal_checkpoint(TRUNCATE)",
        "PRAGMA wal_checkpoint(RESTART)",
        "PRAGMA wal_checkpoint(PASSIVE)",
    ] {
        for number in 0..8 {
            fixture.enqueue("by one");
            if number % 3 > 0 {
                other.enqueue_all(vec![task("by another"); number]).unwrap();
            }
            if number % 2 > 0 {
                program.query_row(pragma, [], |_| Ok(())).unwrap();
            }
        }
    }
    assert_eq!(fixture.queue.stats("default").unwrap().ready, 3 * (8 + 1 + 2 + 4 + 5 + 7));
}

/// As long as no other connection opened the file meanwhile.
#[test]
fn tasks_acknowledged_before_the_wal_was_deleted_survive_closing() {
    let fixture = Fixture::new();
    fixture.enqueue("before");
    fs::remove_file(fixture.next_to("-wal")).unwrap();
    assert_poisoned(fixture.queue.enqueue(task("in doubt")), "-wal");
    let Fixture { queue, folder, .. } = fixture;
    drop(queue);
    let queue = Queue::open(folder.path().join("queue.db")).unwrap();
    assert!(queue.task(TaskId::from_i64(1)).unwrap().is_some());
}

/// In the restored file a lane number may belong to another queue and type.
#[test]
fn after_a_restore_tasks_get_the_queue_and_type_they_name() {
    let fixture = Fixture::new();
    let empty = fixture.folder.path().join("empty.db");
    drop(Queue::open(&empty).unwrap());
    fixture.queue.enqueue(NewTask::new("alpha", *b"before")).unwrap();
    restore(&fixture, &empty);

    let other = fixture.another_handle();
    other.enqueue(NewTask::new("gamma", *b"g").queue("elsewhere")).unwrap();
    fixture.queue.enqueue(NewTask::new("alpha", *b"a")).unwrap();
    let gamma = other.claim(&Claim::new(["gamma"]).queue("elsewhere").max(5)).unwrap();
    let alpha = other.claim(&Claim::new(["alpha"]).max(5)).unwrap();
    assert_eq!(gamma.iter().map(text).collect::<Vec<_>>(), ["g"]);
    assert_eq!(alpha.iter().map(text).collect::<Vec<_>>(), ["a"]);
}

/// The only lane of each file has the same number.
#[test]
fn after_a_restore_a_claim_finds_the_restored_tasks() {
    let (fixture, backup) = (Fixture::new(), Fixture::new());
    fixture.queue.enqueue(NewTask::new("alpha", *b"before")).unwrap();
    assert!(fixture.claim(1).is_empty());
    backup.queue.enqueue(NewTask::new("beta", *b"restored")).unwrap();
    restore(&fixture, &backup.path());
    let claimed = fixture.queue.claim(&Claim::new(["beta"])).unwrap();
    assert_eq!(claimed.iter().map(text).collect::<Vec<_>>(), ["restored"]);
}
