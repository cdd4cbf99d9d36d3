//! What becomes of a caller's own transaction when tasks cannot be added in it.

use prismq::limits::QUEUES_MAX;
use prismq::sqlite::enqueue_in;
use prismq::{Error, NewTask};
use rusqlite::hooks::{AuthAction, AuthContext, Authorization, TransactionOperation};
use rusqlite::{Connection, TransactionBehavior};

use crate::support::{Fixture, task};

/// The caller's connection, with a table of its own.
fn own_connection(fixture: &Fixture) -> Connection {
    let own = Connection::open(fixture.path()).unwrap();
    own.execute_batch("CREATE TABLE account (owner TEXT)").unwrap();
    own
}

fn accounts(connection: &Connection) -> i64 {
    connection.query_row("SELECT count(*) FROM account", [], |row| row.get(0)).unwrap()
}

/// Lets the file grow by no more than so many pages.
fn bound(connection: &Connection, more: i64) {
    let pages: i64 = connection.pragma_query_value(None, "page_count", |row| row.get(0)).unwrap();
    let bound = format!("PRAGMA max_page_count = {}", pages + more);
    connection.execute_batch(&bound).unwrap();
}

#[test]
fn a_full_file_that_ends_it_is_answered_as_such_with_the_first_error() {
    let fixture = Fixture::new();
    let mut own = own_connection(&fixture);
    let transaction = own.transaction_with_behavior(TransactionBehavior::Immediate).unwrap();
    transaction.execute("INSERT INTO account VALUES ('ann')", []).unwrap();
    bound(&transaction, 1);
    let refused =
        enqueue_in(&fixture.queue, &transaction, &[NewTask::new("job", vec![7; 1 << 20])]);
    assert!(transaction.is_autocommit(), "SQLite has ended it");
    let error = refused.unwrap_err();
    assert!(error.is_full(), "{error}");
    let Error::TransactionRolledBack { source } = &error else { panic!("{error:?}") };
    assert!(matches!(**source, Error::Full { .. }), "{source:?}");
    assert!(error.to_string().contains("begin it again"), "{error}");
    drop(transaction);
    assert_eq!(accounts(&own), 0);
    assert_eq!(fixture.queue.stats("default").unwrap().enqueued, 0);

    // The same connection goes on once there is room.
    bound(&own, 1_000);
    let again = own.transaction_with_behavior(TransactionBehavior::Immediate).unwrap();
    again.execute("INSERT INTO account VALUES ('ann')", []).unwrap();
    enqueue_in(&fixture.queue, &again, &[task("welcome ann")]).unwrap();
    again.commit().unwrap();
    assert_eq!((accounts(&own), fixture.queue.stats("default").unwrap().ready), (1, 1));
}

/// Leaves no room for another queue's name, so that tasks of a new queue cannot be added.
fn fill_with_names(connection: &Connection) {
    let names = format!(
        "INSERT INTO queue (name)
         SELECT 'full' || value FROM (WITH RECURSIVE n (value) AS
             (SELECT 1 UNION ALL SELECT value + 1 FROM n WHERE value < {QUEUES_MAX})
         SELECT value FROM n)"
    );
    connection.execute_batch(&names).unwrap();
}

#[test]
fn what_does_not_end_it_leaves_it_as_it_was() {
    let fixture = Fixture::new();
    let mut own = own_connection(&fixture);
    let transaction = own.transaction_with_behavior(TransactionBehavior::Immediate).unwrap();
    transaction.execute("INSERT INTO account VALUES ('ann')", []).unwrap();
    fill_with_names(&transaction);
    let refused = enqueue_in(&fixture.queue, &transaction, &[task("of one queue too many")]);
    assert!(matches!(refused, Err(Error::TooManyNames { .. })), "{refused:?}");
    assert!(!transaction.is_autocommit());
    transaction.commit().unwrap();
    assert_eq!(accounts(&own), 1);
}

/// Else it could be committed with some of the tasks.
#[test]
fn it_is_ended_where_what_was_added_cannot_be_taken_back_alone() {
    let fixture = Fixture::new();
    let mut own = own_connection(&fixture);
    let no_undo = |context: AuthContext<'_>| match context.action {
        AuthAction::Savepoint { operation: TransactionOperation::Rollback, .. } => {
            Authorization::Deny
        }
        _ => Authorization::Allow,
    };
    own.authorizer(Some(no_undo)).unwrap();
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
