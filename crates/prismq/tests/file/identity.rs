//! Leases and callers' connections are bound to one file.
//!
//! Failure mode: lease: of another file, or of a file that was replaced | `ForeignLease`

use std::fs;

use prismq::sqlite::enqueue_in;
use prismq::{Error, Lease, Queue};
use rusqlite::{Connection, TransactionBehavior};

use crate::support::{Fixture, LEASE, claim, restore, task, text};

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
fn a_lease_of_another_file_is_refused() {
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
fn a_file_refuses_leases_of_the_file_it_replaced() {
    let fixture = Fixture::new();
    fixture.enqueue("before");
    let old = fixture.claim_one();
    for suffix in ["", "-wal", "-shm"] {
        fs::remove_file(fixture.next_to(suffix)).unwrap();
    }
    let new = fixture.another_handle();
    let id = new.enqueue(task("after")).unwrap().id();
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
    let error = enqueue_in(&a.queue, &transaction, &[task("lost")]).unwrap_err();
    assert!(matches!(error, Error::InvalidInput { what: "connection", .. }), "{error:?}");
    assert!(error.to_string().contains("another queue's file"), "{error}");
    enqueue_in(&b.queue, &transaction, &[task("there")]).unwrap();
    transaction.commit().unwrap();
    assert_eq!(a.queue.stats("default").unwrap().enqueued, 0);
    assert_eq!(b.queue.stats("default").unwrap().enqueued, 1);
}

/// Both files have a first task, claimed under the same token.
#[test]
fn after_a_restore_leases_from_before_it_are_refused() {
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
    enqueue_in(&fixture.queue, &transaction, &[task("there")]).unwrap();
}
