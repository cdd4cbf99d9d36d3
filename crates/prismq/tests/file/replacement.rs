//! What a queue does when its files are moved, deleted or replaced while it has them open.
use std::fs;
use std::path::{Path, PathBuf};

use crate::support::{Fixture, claim, task, text};
use prismq::{Claim, Error, NewTask, Queue};
use rusqlite::Connection;
use rusqlite::backup::{Backup, StepResult};

/// Every operation and every read says that the file is not there, and may end by itself.
#[track_caller]
fn assert_moved(fixture: &Fixture) {
    let queue = &fixture.queue;
    let refusals = [
        queue.enqueue(&task("lost")).map(drop),
        queue.claim(&claim()).map(drop),
        queue.pause("default"),
        queue.stats("default").map(drop),
        queue.task(prismq::TaskId::from_i64(1)).map(drop),
        queue.settings().map(drop),
    ];
    for refused in refusals {
        let error = refused.unwrap_err();
        assert!(matches!(&error, Error::Moved { path } if *path == fixture.path()), "{error:?}");
        assert!(error.to_string().contains("moved, deleted or replaced"), "{error}");
        assert!(error.is_final() && error.may_end_by_itself());
    }
}

#[track_caller]
fn assert_poisoned<T: std::fmt::Debug>(answer: prismq::Result<T>, cause: &str) {
    let error = answer.unwrap_err();
    assert!(matches!(error, Error::Poisoned { .. }), "{error:?}");
    assert!(error.to_string().contains(cause), "{error}");
    assert!(error.is_final() && !error.may_end_by_itself());
}

fn next_to(fixture: &Fixture, suffix: &str) -> PathBuf {
    fixture.folder.path().join(format!("queue.db{suffix}"))
}

#[test]
fn a_deleted_file_is_neither_read_nor_written() {
    let fixture = Fixture::new();
    fixture.enqueue("there");
    fs::remove_file(fixture.path()).unwrap();
    assert_moved(&fixture);
}

#[test]
fn a_file_that_another_was_put_in_place_of_is_neither_read_nor_written() {
    let fixture = Fixture::new();
    fixture.enqueue("there");
    let other = fixture.folder.path().join("other.db");
    drop(Queue::open(&other).unwrap());
    fs::rename(&other, fixture.path()).unwrap();
    assert_moved(&fixture);
}

#[test]
fn a_file_that_is_put_back_is_used_again() {
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

/// Whoever opens the file next makes a `-wal` and `-shm` of its own, and finds nothing of what is written into
/// those that were removed.
#[test]
fn nothing_is_acknowledged_once_the_wal_in_use_is_deleted_or_replaced() {
    for suffix in ["-wal", "-shm"] {
        let fixture = Fixture::new();
        fixture.enqueue("before");
        fs::remove_file(next_to(&fixture, suffix)).unwrap();
        assert_poisoned(fixture.queue.enqueue(&task("lost")), suffix);
        assert_poisoned(fixture.queue.enqueue(&task("lost")), suffix);
        assert_poisoned(fixture.queue.stats("default"), suffix);

        let fixture = Fixture::new();
        let lease = {
            fixture.enqueue("before");
            fixture.claim_one()
        };
        let copy = fixture.folder.path().join("copy");
        fs::write(&copy, []).unwrap();
        fs::rename(&copy, next_to(&fixture, suffix)).unwrap();
        assert_poisoned(fixture.queue.complete(&lease), suffix);
        assert_poisoned(fixture.queue.claim(&claim()), suffix);
    }
}

/// Where nobody else opened it meanwhile, what was acknowledged before is in the file once it is closed.
#[test]
fn what_was_acknowledged_before_the_wal_was_deleted_is_kept_by_closing() {
    let fixture = Fixture::new();
    fixture.enqueue("before");
    fs::remove_file(next_to(&fixture, "-wal")).unwrap();
    assert_poisoned(fixture.queue.enqueue(&task("in doubt")), "-wal");
    let Fixture { queue, folder, .. } = fixture;
    drop(queue);
    let queue = Queue::open(folder.path().join("queue.db")).unwrap();
    assert!(queue.task(prismq::TaskId::from_i64(1)).unwrap().is_some());
}

/// As `sqlite3 queue.db ".restore backup.db"` does it.
pub(crate) fn restore(fixture: &Fixture, from: &Path) {
    let from = Connection::open(from).unwrap();
    let mut to = Connection::open(fixture.path()).unwrap();
    let backup = Backup::new(&from, &mut to).unwrap();
    assert_eq!(backup.step(-1).unwrap(), StepResult::Done);
}

/// The numbers of lanes may stand for others in what was restored.
#[test]
fn after_a_restore_tasks_go_to_the_queue_and_type_they_name() {
    let fixture = Fixture::new();
    let empty = fixture.folder.path().join("empty.db");
    drop(Queue::open(&empty).unwrap());
    fixture.queue.enqueue(&NewTask::new("alpha", *b"before")).unwrap();
    restore(&fixture, &empty);

    let other = fixture.another_handle();
    other.enqueue(&NewTask::new("gamma", *b"g").queue("elsewhere")).unwrap();
    fixture.queue.enqueue(&NewTask::new("alpha", *b"a")).unwrap();
    let gamma = other.claim(&Claim::new(["gamma"]).queue("elsewhere").max(5)).unwrap();
    let alpha = other.claim(&Claim::new(["alpha"]).max(5)).unwrap();
    assert_eq!(gamma.iter().map(text).collect::<Vec<_>>(), ["g"]);
    assert_eq!(alpha.iter().map(text).collect::<Vec<_>>(), ["a"]);
}

/// The one lane of either has the same number.
#[test]
fn after_a_restore_a_claim_alone_finds_what_was_restored() {
    let (fixture, backup) = (Fixture::new(), Fixture::new());
    fixture.queue.enqueue(&NewTask::new("alpha", *b"before")).unwrap();
    assert!(fixture.claim(1).is_empty());
    backup.queue.enqueue(&NewTask::new("beta", *b"restored")).unwrap();
    restore(&fixture, &backup.path());
    let claimed = fixture.queue.claim(&Claim::new(["beta"])).unwrap();
    assert_eq!(claimed.iter().map(text).collect::<Vec<_>>(), ["restored"]);
}
