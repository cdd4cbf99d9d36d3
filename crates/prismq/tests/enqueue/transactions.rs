use std::sync::mpsc::channel;

use prismq::sqlite::enqueue_in;
use prismq::{Error, WorkerPool};
use rusqlite::{Connection, TransactionBehavior};

use crate::support::{Fixture, task, wait_until};

#[test]
fn the_task_appears_and_workers_wake_only_if_it_commits() {
    let fixture = Fixture::new();
    let queue = &fixture.queue;
    let mut own = Connection::open(fixture.path()).unwrap();
    own.execute_batch("CREATE TABLE account (owner TEXT)").unwrap();
    let (events, told) = channel();
    let _pool = WorkerPool::builder(queue)
        .workers(2)
        .handler("job", |_| Ok(()))
        .on_event(move |event| events.send(event.id).unwrap())
        .start()
        .unwrap();
    wait_until(|| queue.contention().empty_claims > 0);

    let undone = own.transaction_with_behavior(TransactionBehavior::Immediate).unwrap();
    undone.execute("INSERT INTO account VALUES ('ann')", []).unwrap();
    enqueue_in(queue, &undone, &[task("welcome ann")]).unwrap();
    undone.rollback().unwrap();
    assert_eq!(queue.stats("default").unwrap().enqueued, 0);

    let done = own.transaction_with_behavior(TransactionBehavior::Immediate).unwrap();
    done.execute("INSERT INTO account VALUES ('bob')", []).unwrap();
    let ids = enqueue_in(queue, &done, &[task("welcome bob"), task(&"x".repeat(5000))]).unwrap();
    assert_eq!(queue.stats("default").unwrap().enqueued, 0, "not before the commit");
    done.commit().unwrap();
    let mut completed = [told.recv().unwrap(), told.recv().unwrap()];
    completed.sort();
    assert_eq!(completed, ids[..]);
    assert_eq!(queue.stats("default").unwrap().enqueued, 2);
}

#[test]
fn a_connection_that_cannot_hold_the_task_is_refused() {
    let fixture = Fixture::new();
    let own = Connection::open(fixture.path()).unwrap();
    let error = enqueue_in(&fixture.queue, &own, &[task("")]).unwrap_err();
    assert!(error.to_string().contains("no transaction open"), "{error}");

    let mut elsewhere = Connection::open_in_memory().unwrap();
    let transaction = elsewhere.transaction().unwrap();
    let error = enqueue_in(&fixture.queue, &transaction, &[task("")]).unwrap_err();
    assert!(matches!(error, Error::InvalidInput { .. }), "{error:?}");
}
