//! Tasks enqueued in a caller's own transaction, and the state of the transaction when they are refused.

use std::sync::mpsc::channel;

use prismq::limits::QUEUES_MAX;
use prismq::sqlite::enqueue_in;
use prismq::{Error, NewTask, WorkerPool};
use rusqlite::hooks::{AuthAction, AuthContext, Authorization, TransactionOperation};
use rusqlite::{Connection, TransactionBehavior};

use crate::support::{Fixture, ids, receive, task, wait_until};

/// The caller's connection, with a table of its own.
fn own_connection(fixture: &Fixture) -> Connection {
    let own = Connection::open(fixture.path()).unwrap();
    own.execute_batch("CREATE TABLE account (owner TEXT)").unwrap();
    own
}

#[test]
fn tasks_appear_and_workers_wake_only_after_the_commit() {
    let fixture = Fixture::new();
    let queue = &fixture.queue;
    let mut own = own_connection(&fixture);
    let (send, events) = channel();
    let _pool = WorkerPool::builder(queue)
        .workers(2)
        .handle_bytes("job", |_, _| Ok(()))
        .on_event(move |event| send.send(event.id).unwrap())
        .start()
        .unwrap();
    wait_until!(queue.contention().empty_claims > 0);

    let rolled_back = own.transaction_with_behavior(TransactionBehavior::Immediate).unwrap();
    rolled_back.execute("INSERT INTO account VALUES ('ann')", []).unwrap();
    enqueue_in(queue, &rolled_back, [task("welcome ann")]).unwrap();
    rolled_back.rollback().unwrap();
    assert_eq!(queue.stats("default").unwrap().enqueued, 0);

    let committed = own.transaction_with_behavior(TransactionBehavior::Immediate).unwrap();
    committed.execute("INSERT INTO account VALUES ('bob')", []).unwrap();
    let tasks = [task("welcome bob"), task(&"x".repeat(5000))];
    let ids = ids(enqueue_in(queue, &committed, &tasks).unwrap());
    assert_eq!(queue.stats("default").unwrap().enqueued, 0, "not before the commit");
    committed.commit().unwrap();
    let mut completed = [receive(&events, "an event"), receive(&events, "an event")];
    completed.sort();
    assert_eq!(completed, ids[..]);
    assert_eq!(queue.stats("default").unwrap().enqueued, 2);
}

#[test]
fn a_connection_without_a_transaction_or_of_another_database_is_refused() {
    let fixture = Fixture::new();
    let own = Connection::open(fixture.path()).unwrap();
    let error = enqueue_in(&fixture.queue, &own, &[task("")]).unwrap_err();
    assert!(error.to_string().contains("no transaction open"), "{error}");

    let mut elsewhere = Connection::open_in_memory().unwrap();
    let transaction = elsewhere.transaction().unwrap();
    let error = enqueue_in(&fixture.queue, &transaction, &[task("")]).unwrap_err();
    assert!(matches!(error, Error::InvalidInput { .. }), "{error:?}");
}

fn accounts(connection: &Connection) -> i64 {
    connection.query_row("SELECT count(*) FROM account", [], |row| row.get(0)).unwrap()
}

/// Lets the file grow by no more than this number of pages.
fn limit_growth(connection: &Connection, pages_more: i64) {
    let pages: i64 = connection.pragma_query_value(None, "page_count", |row| row.get(0)).unwrap();
    connection.pragma_update(None, "max_page_count", pages + pages_more).unwrap();
}

#[test]
fn a_full_file_rolls_the_transaction_back_and_is_reported_as_full() {
    let fixture = Fixture::new();
    let mut own = own_connection(&fixture);
    let transaction = own.transaction_with_behavior(TransactionBehavior::Immediate).unwrap();
    transaction.execute("INSERT INTO account VALUES ('ann')", []).unwrap();
    limit_growth(&transaction, 1);
    let refused =
        enqueue_in(&fixture.queue, &transaction, &[NewTask::new("job", vec![7; 1 << 20])]);
    assert!(transaction.is_autocommit(), "SQLite has rolled it back");
    let error = refused.unwrap_err();
    assert!(error.is_full(), "{error}");
    let Error::TransactionRolledBack { source } = &error else { panic!("{error:?}") };
    assert!(matches!(**source, Error::Full { .. }), "{source:?}");
    assert!(error.to_string().contains("begin it again"), "{error}");
    drop(transaction);
    assert_eq!(accounts(&own), 0);
    assert_eq!(fixture.queue.stats("default").unwrap().enqueued, 0);

    // The same connection can be used once there is room.
    limit_growth(&own, 1_000);
    let again = own.transaction_with_behavior(TransactionBehavior::Immediate).unwrap();
    again.execute("INSERT INTO account VALUES ('ann')", []).unwrap();
    enqueue_in(&fixture.queue, &again, &[task("welcome ann")]).unwrap();
    again.commit().unwrap();
    assert_eq!((accounts(&own), fixture.queue.stats("default").unwrap().ready), (1, 1));
}

/// Fills the table of queues, so that tasks of a new queue are refused.
fn fill_with_names(connection: &Connection) {
    let names = format!(
        "INSERT INTO prismq_queue (name)
         SELECT 'full' || value FROM (WITH RECURSIVE n (value) AS
             (SELECT 1 UNION ALL SELECT value + 1 FROM n WHERE value < {QUEUES_MAX})
         SELECT value FROM n)"
    );
    connection.execute_batch(&names).unwrap();
}

#[test]
fn a_refused_enqueue_leaves_the_transaction_open() {
    let fixture = Fixture::new();
    let mut own = own_connection(&fixture);
    let transaction = own.transaction_with_behavior(TransactionBehavior::Immediate).unwrap();
    transaction.execute("INSERT INTO account VALUES ('ann')", []).unwrap();
    fill_with_names(&transaction);
    let refused = enqueue_in(&fixture.queue, &transaction, &[task("of a new queue")]);
    assert!(matches!(refused, Err(Error::TooManyNames { .. })), "{refused:?}");
    assert!(!transaction.is_autocommit());
    transaction.commit().unwrap();
    assert_eq!(accounts(&own), 1);
}

/// Otherwise it could be committed with some of the tasks.
#[test]
fn the_transaction_is_rolled_back_if_the_savepoint_cannot_be() {
    let fixture = Fixture::new();
    let mut own = own_connection(&fixture);
    let no_rollback = |context: AuthContext<'_>| match context.action {
        AuthAction::Savepoint { operation: TransactionOperation::Rollback, .. } => {
            Authorization::Deny
        }
        _ => Authorization::Allow,
    };
    own.authorizer(Some(no_rollback)).unwrap();
    let transaction = own.transaction_with_behavior(TransactionBehavior::Immediate).unwrap();
    transaction.execute("INSERT INTO account VALUES ('ann')", []).unwrap();
    fill_with_names(&transaction);
    let error = enqueue_in(&fixture.queue, &transaction, &[task("")]).unwrap_err();
    let Error::TransactionRolledBack { source } = &error else { panic!("{error:?}") };
    assert!(matches!(**source, Error::TooManyNames { .. }), "{source:?}");
    assert!(transaction.is_autocommit());
    drop(transaction);
    assert_eq!(accounts(&own), 0);
}
