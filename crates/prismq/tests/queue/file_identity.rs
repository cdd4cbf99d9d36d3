//! What a queue does when its files are moved, deleted or replaced while it has them open, and how leases and
//! callers' connections know which file they are of.
use std::fs;
use std::path::{Path, PathBuf};

use crate::common::{Fixture, LEASE, claim, task, text};
use prismq::{Claim, Error, Lease, NewTask, Queue};
use rusqlite::backup::{Backup, StepResult};
use rusqlite::{Connection, TransactionBehavior};

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
fn restore(fixture: &Fixture, from: &Path) {
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

/// Both files have a first task, claimed under the same token.
#[test]
fn after_a_restore_a_lease_of_before_holds_nothing_and_those_since_do() {
    let (fixture, backup) = (Fixture::new(), Fixture::new());
    fixture.enqueue("before");
    let before = fixture.claim_one();
    backup.enqueue("restored");
    let held = backup.claim_one();
    backup.enqueue("waiting");
    assert_eq!((before.id(), before.token()), (held.id(), held.token()));
    restore(&fixture, &backup.path());

    assert_foreign(&fixture.queue, &before);
    let since = fixture.claim_one();
    assert_eq!(text(&since), "waiting");
    fixture.another_handle().complete(&since).unwrap();
    fixture.queue.complete(&held).unwrap();
    let mut own = Connection::open(fixture.path()).unwrap();
    let transaction = own.transaction_with_behavior(TransactionBehavior::Immediate).unwrap();
    fixture.queue.enqueue_in(&transaction, &[task("there")]).unwrap();
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

#[track_caller]
fn assert_foreign(queue: &Queue, lease: &Lease) {
    let answers = [
        queue.complete(lease),
        queue.fail(lease, "of another file").map(drop),
        queue.extend(lease, LEASE).map(drop),
        queue.release(lease),
    ];
    for answer in answers {
        let foreign = |error: &Error| matches!(error, Error::ForeignLease { id, token } if (*id, *token) == (lease.id(), lease.token()));
        assert!(answer.as_ref().is_err_and(foreign), "{answer:?}");
    }
}

/// Both leases name the first task of their file, under the same token.
#[test]
fn a_lease_of_one_file_does_nothing_in_another() {
    let (a, b) = (Fixture::new(), Fixture::new());
    a.enqueue("of a");
    let id = b.enqueue("of b");
    let (of_a, of_b) = (a.claim_one(), b.claim_one());
    assert_eq!((of_a.id(), of_a.token()), (of_b.id(), of_b.token()));
    let before = b.queue.task(id).unwrap();

    assert_foreign(&b.queue, &of_a);
    assert_eq!(b.queue.task(id).unwrap(), before);
    b.queue.complete(&of_b).unwrap();
    a.another_handle().complete(&of_a).unwrap();
}

#[test]
fn a_file_put_in_the_place_of_another_accepts_no_lease_of_it() {
    let fixture = Fixture::new();
    fixture.enqueue("before");
    let old = fixture.claim_one();
    for suffix in ["", "-wal", "-shm"] {
        fs::remove_file(fixture.folder.path().join(format!("queue.db{suffix}"))).unwrap();
    }
    let new = fixture.another_handle();
    let id = new.enqueue(&task("after")).unwrap();
    let lease = new.claim(&claim()).unwrap().remove(0);
    assert_eq!((id, lease.token()), (old.id(), old.token()));
    assert_foreign(&new, &old);
    new.complete(&lease).unwrap();
}

#[test]
fn a_transaction_in_another_queues_file_is_refused() {
    let (a, b) = (Fixture::new(), Fixture::new());
    let mut own = Connection::open(b.path()).unwrap();
    let transaction = own.transaction_with_behavior(TransactionBehavior::Immediate).unwrap();
    let error = a.queue.enqueue_in(&transaction, &[task("lost")]).unwrap_err();
    assert!(matches!(error, Error::InvalidInput { what: "connection", .. }), "{error:?}");
    assert!(error.to_string().contains("another queue's file"), "{error}");
    b.queue.enqueue_in(&transaction, &[task("there")]).unwrap();
    transaction.commit().unwrap();
    assert_eq!(a.queue.stats("default").unwrap().enqueued, 0);
    assert_eq!(b.queue.stats("default").unwrap().enqueued, 1);
}
