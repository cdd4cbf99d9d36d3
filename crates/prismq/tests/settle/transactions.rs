//! Tasks completed in a caller's own transaction, with what else it writes.

use std::path::Path;
use std::sync::mpsc::channel;
use std::time::Duration;

use prismq::sqlite::{complete_in, enqueue_in};
use prismq::{Ending, Error, Outcome, TaskError, WorkerPool};
use rusqlite::{Connection, TransactionBehavior};

use crate::support::{DEADLINE, Fixture, LEASE, RETRY, receive, task, wait_until};

/// The application's connection, to its table of one account.
fn own_connection(path: &Path) -> Connection {
    let own = Connection::open(path).unwrap();
    own.busy_timeout(Duration::from_secs(10)).unwrap();
    own.execute_batch(
        "CREATE TABLE IF NOT EXISTS account (cents INTEGER);
         INSERT INTO account SELECT 0 WHERE NOT EXISTS (SELECT 1 FROM account)",
    )
    .unwrap();
    own
}

fn deposit(connection: &Connection) -> rusqlite::Result<usize> {
    connection.execute("UPDATE account SET cents = cents + 5", [])
}

fn cents(connection: &Connection) -> i64 {
    connection.query_row("SELECT cents FROM account", [], |row| row.get(0)).unwrap()
}

#[test]
fn a_completion_commits_with_the_callers_rows_and_tasks_or_not_at_all() {
    let fixture = Fixture::new();
    let queue = &fixture.queue;
    let mut own = own_connection(&fixture.path());
    // With a payload out of line and a failed attempt.
    fixture.enqueue(&"x".repeat(5000));
    queue.fail(&fixture.claim_one(), "no").unwrap();
    fixture.clock.advance(RETRY);
    let lease = fixture.claim_one();
    for commits in [false, true] {
        let transaction = own.transaction_with_behavior(TransactionBehavior::Immediate).unwrap();
        deposit(&transaction).unwrap();
        enqueue_in(queue, &transaction, &[task("child")]).unwrap();
        complete_in(queue, &transaction, &lease).unwrap();
        if commits {
            transaction.commit().unwrap();
        } else {
            transaction.rollback().unwrap();
        }
        let stats = queue.stats("default").unwrap();
        let stats = (stats.completed, stats.leased, stats.ready);
        let done = (cents(&own), stats, queue.task(lease.id()).unwrap().is_none());
        let expected = if commits { (5, (1, 0, 1), true) } else { (0, (0, 1, 0), false) };
        assert_eq!(done, expected);
    }
    let left =
        "SELECT (SELECT count(*) FROM prismq_payload) + (SELECT count(*) FROM prismq_attempt)";
    assert_eq!(own.query_row(left, [], |row| row.get::<_, i64>(0)).unwrap(), 0);
}

#[test]
fn a_lost_or_foreign_lease_is_refused_and_the_transaction_can_go_on() {
    let fixture = Fixture::new();
    let mut own = own_connection(&fixture.path());
    fixture.enqueue("job");
    let late = fixture.claim_one();
    fixture.clock.advance(LEASE);
    let current = fixture.claim_one();
    let other = Fixture::new();
    other.enqueue("job");
    let foreign = other.claim_one();

    let transaction = own.transaction_with_behavior(TransactionBehavior::Immediate).unwrap();
    deposit(&transaction).unwrap();
    let lost = complete_in(&fixture.queue, &transaction, &late).unwrap_err();
    assert!(matches!(lost, Error::LeaseLost { .. }), "{lost:?}");
    let error = complete_in(&fixture.queue, &transaction, &foreign).unwrap_err();
    assert!(matches!(error, Error::ForeignLease { .. }), "{error:?}");
    complete_in(&fixture.queue, &transaction, &current).unwrap();
    let twice = complete_in(&fixture.queue, &transaction, &current).unwrap_err();
    assert!(matches!(twice, Error::LeaseLost { .. }), "{twice:?}");
    transaction.commit().unwrap();
    assert_eq!((cents(&own), fixture.queue.stats("default").unwrap().completed), (5, 1));
}

#[test]
fn a_connection_without_a_transaction_or_of_another_file_completes_nothing() {
    let fixture = Fixture::new();
    fixture.enqueue("job");
    let lease = fixture.claim_one();
    let own = own_connection(&fixture.path());
    let error = complete_in(&fixture.queue, &own, &lease).unwrap_err();
    assert!(error.to_string().contains("no transaction open"), "{error}");
    let mut elsewhere = Connection::open_in_memory().unwrap();
    let transaction = elsewhere.transaction().unwrap();
    let error = complete_in(&fixture.queue, &transaction, &lease).unwrap_err();
    assert!(matches!(error, Error::InvalidInput { .. }), "{error:?}");
    fixture.queue.complete(&lease).unwrap();
}

#[test]
fn a_handler_completes_its_task_with_its_own_rows_and_the_pool_counts_it() {
    let fixture = Fixture::new();
    fixture.queue.set_history("default", 10).unwrap();
    let own = own_connection(&fixture.path());
    let (send, events) = channel();
    let pool = WorkerPool::builder(&fixture.queue)
        .workers(2)
        .handle_bytes("job", |payload, context| {
            context.log("deposits");
            context.set_result(*b"5 cents")?;
            context.complete_in(|transaction| {
                deposit(transaction)?;
                transaction.enqueue(&task("child").queue("children"))?;
                Ok(())
            })?;
            // The task is completed: this changes nothing.
            if payload == b"late error" { Err(TaskError::new("late")) } else { Ok(()) }
        })
        .on_event(move |event| send.send(event.clone()).unwrap())
        .start()
        .unwrap();
    for payload in ["good", "late error"] {
        let id = fixture.enqueue(payload);
        let event = receive(&events, "the event");
        assert_eq!((event.id, event.outcome, event.error), (id, Outcome::Completed, None));
        let result = Some(Ending::Completed(Some(b"5 cents".to_vec())));
        assert_eq!(fixture.queue.result(id).unwrap(), result);
        assert_eq!(fixture.queue.task(id).unwrap().unwrap().log.len(), 1);
    }
    let stats = pool.shutdown(DEADLINE).stats;
    assert_eq!((stats.completed, stats.lease_lost, stats.retried), (2, 0, 0));
    assert_eq!((cents(&own), fixture.queue.stats("children").unwrap().ready), (10, 2));
}

#[test]
fn a_handler_whose_work_fails_or_whose_lease_is_lost_leaves_nothing_behind() {
    let fixture = Fixture::new();
    let path = fixture.path();
    let own = own_connection(&path);
    let pool = WorkerPool::builder(&fixture.queue)
        .workers(1)
        .handle_bytes("job", move |payload, context| {
            if payload == b"lost" {
                let connection = own_connection(&path);
                connection.execute("UPDATE prismq_task SET token = token + 1", [])?;
            }
            context.complete_in(|transaction| {
                deposit(transaction)?;
                match &*payload {
                    b"fails" => Err(TaskError::permanent("no money")),
                    b"panics" => panic!("no money"),
                    _ => Ok(()),
                }
            })
        })
        .start()
        .unwrap();
    let fails = fixture.enqueue("fails");
    wait_until!(pool.stats().dead == 1);
    assert_eq!(fixture.queue.result(fails).unwrap(), Some(Ending::Dead("no money".to_owned())));
    fixture.enqueue("panics");
    wait_until!(pool.stats().retried == 1);
    fixture.enqueue("lost");
    wait_until!(pool.stats().lease_lost == 1);
    assert_eq!((pool.stats().completed, cents(&own)), (0, 0));
}
