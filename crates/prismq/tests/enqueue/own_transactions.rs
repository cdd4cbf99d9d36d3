//! `Queue::transaction`: the application's changes and its tasks commit together or not at all.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::mpsc::channel;
use std::thread;
use std::time::Duration;

use prismq::{Error, Queue, Result, WorkerPool};

use crate::support::{Fixture, Watchdog, join, lock, receive, task, wait_until};

/// A queue in the database of an application that has accounts, each logged by a trigger.
fn application() -> Fixture {
    let fixture = Fixture::new();
    let tables = "CREATE TABLE account (id INTEGER PRIMARY KEY, owner TEXT NOT NULL); CREATE TABLE log (owner TEXT);
                  CREATE TABLE card (account INTEGER REFERENCES account (id));
                  CREATE TRIGGER account_log AFTER INSERT ON account
                      BEGIN INSERT INTO log VALUES (new.owner); END";
    fixture.queue.transaction(|tx| -> Result<_> { Ok(tx.execute_batch(tables)?) }).unwrap();
    fixture
}

/// How many accounts, log entries and enqueued tasks there are.
fn counts(queue: &Queue) -> (i64, i64, u64) {
    let count = "SELECT (SELECT count(*) FROM account), (SELECT count(*) FROM log)";
    let rows: Result<(i64, i64)> =
        queue.transaction(|tx| Ok(tx.query_row(count, [], |row| Ok((row.get(0)?, row.get(1)?)))?));
    let (accounts, log) = rows.unwrap();
    (accounts, log, queue.stats("default").unwrap().enqueued)
}

#[test]
fn rows_tasks_and_triggers_commit_together_and_the_closure_returns_a_value() {
    let Fixture { queue, .. } = &application();
    let (account, id) = queue
        .transaction(|tx| -> Result<_> {
            tx.execute("INSERT INTO account (owner) VALUES ('ann')", [])?;
            let id = tx.enqueue(task("welcome ann"))?.id();
            assert_eq!(queue.stats("default")?.enqueued, 0, "not before the commit");
            Ok((tx.last_insert_rowid(), id))
        })
        .unwrap();
    assert_eq!((account, counts(queue)), (1, (1, 1, 1)));
    assert_eq!(queue.task(id).unwrap().unwrap().payload, b"welcome ann");
}

/// An error of the application.
#[derive(Debug)]
enum Refused {
    TooYoung(u32),
    Queue(Error),
}

impl From<Error> for Refused {
    fn from(error: Error) -> Self {
        Self::Queue(error)
    }
}

#[test]
fn the_closures_own_error_passes_through_and_nothing_is_kept() {
    let Fixture { queue, .. } = &application();
    let refused: Result<(), Refused> = queue.transaction(|tx| {
        tx.execute("INSERT INTO account (owner) VALUES ('ann')", []).map_err(Error::from)?;
        tx.enqueue(task("welcome ann"))?;
        Err(Refused::TooYoung(9))
    });
    assert!(matches!(refused, Err(Refused::TooYoung(9))), "{refused:?}");
    let invalid =
        queue.transaction(|tx| tx.enqueue(task("").priority(99_999)).map_err(Refused::from));
    assert!(matches!(invalid, Err(Refused::Queue(Error::InvalidInput { .. }))), "{invalid:?}");
    assert_eq!(counts(queue), (0, 0, 0));
}

#[test]
fn a_panic_rolls_back_and_is_passed_on() {
    let Fixture { queue, .. } = &application();
    let panicked = catch_unwind(AssertUnwindSafe(|| {
        queue.transaction(|tx| -> Result<()> {
            tx.execute("INSERT INTO account (owner) VALUES ('ann')", [])?;
            tx.enqueue(task("welcome ann"))?;
            panic!("in the closure");
        })
    }));
    assert!(panicked.is_err());
    assert_eq!(counts(queue), (0, 0, 0));
}

#[test]
fn a_failed_statement_of_the_application_is_not_transient() {
    let Fixture { queue, .. } = &application();
    let run = |sql| queue.transaction(|tx| -> Result<_> { Ok(tx.execute(sql, [])?) }).unwrap_err();
    for (sql, reason) in [
        ("INSERT INTO account (owner) VALUES (NULL)", "NOT NULL constraint failed: account.owner"),
        ("INSERT INTO card VALUES (77)", "FOREIGN KEY constraint failed"),
        ("INSERT INTO acount VALUES ('ann')", "no such table: acount"),
    ] {
        let error = run(sql);
        assert!(matches!(error, Error::Statement { .. }), "{error:?}");
        assert!(!error.is_transient() && !error.needs_intervention());
        assert!(error.to_string().contains(reason), "{error}");
    }
    queue.enqueue(task("the queue works")).unwrap();
}

#[test]
fn a_transaction_that_the_closure_ends_itself_is_an_error() {
    let Fixture { queue, .. } = &application();
    let ended =
        queue.transaction(|tx| -> Result<_> { Ok(tx.execute_batch("COMMIT")?) }).unwrap_err();
    assert!(matches!(ended, Error::InvalidInput { what: "transaction", .. }), "{ended:?}");
    assert!(ended.to_string().contains("ended before the closure returned"), "{ended}");
    assert_eq!(counts(queue), (0, 0, 0));
}

#[test]
fn what_a_transaction_leaves_on_its_connection_is_not_seen_by_the_next() {
    let Fixture { queue, .. } = &application();
    for _ in 0..2 {
        let create = "CREATE TEMP TABLE scratch (n); INSERT INTO scratch VALUES (1)";
        queue.transaction(|tx| -> Result<_> { Ok(tx.execute_batch(create)?) }).unwrap();
    }
}

#[test]
fn transactions_of_many_threads_wait_for_each_other_and_for_other_connections() {
    let _watchdog = Watchdog::start();
    let fixture = application();
    let other = lock(&fixture.path());
    let threads: Vec<_> = (0..8)
        .map(|thread| {
            let queue = fixture.queue.clone();
            thread::spawn(move || {
                for round in 0..10 {
                    let owner = format!("{thread} {round}");
                    let added: Result<_> = queue.transaction(|tx| {
                        tx.execute("INSERT INTO account (owner) VALUES (?1)", [&owner])?;
                        tx.enqueue(task(&owner))
                    });
                    added.unwrap();
                }
            })
        })
        .collect();
    wait_until!(fixture.queue.contention().busy_waits > 20);
    other.execute_batch("COMMIT").unwrap();
    for thread in threads {
        join(thread, "a thread's transactions");
    }
    assert_eq!(counts(&fixture.queue), (80, 80, 80));
}

#[test]
fn a_lasting_writer_is_waited_for_as_long_as_the_queue_is_set_to() {
    let fixture = application();
    let queue = Queue::builder(fixture.path()).busy_wait(Duration::from_millis(20)).open().unwrap();
    let _other = lock(&fixture.path());
    let busy = queue.transaction(|tx| tx.enqueue(task("late"))).unwrap_err();
    assert!(
        matches!(busy, Error::Busy { waited } if waited >= Duration::from_millis(20)),
        "{busy:?}"
    );
}

#[test]
fn workers_wake_at_its_commit() {
    let fixture = application();
    let queue = &fixture.queue;
    let (send, events) = channel();
    let _pool = WorkerPool::builder(queue)
        .handle_bytes("job", |_, _| Ok(()))
        .on_event(move |event| send.send(event.id).unwrap())
        .start()
        .unwrap();
    wait_until!(queue.contention().empty_claims > 0);
    let id = queue.transaction(|tx| tx.enqueue(task("now"))).unwrap().id();
    assert_eq!(receive(&events, "its event"), id);
}

#[test]
fn a_queue_whose_file_was_moved_refuses_a_transaction() {
    let fixture = application();
    std::fs::rename(fixture.path(), fixture.next_to(".moved")).unwrap();
    let moved = fixture.queue.transaction(|tx| tx.enqueue(task("lost"))).unwrap_err();
    assert!(matches!(moved, Error::Moved { .. }), "{moved:?}");
    std::fs::rename(fixture.next_to(".moved"), fixture.path()).unwrap();
    fixture.queue.transaction(|tx| tx.enqueue(task("again"))).unwrap();
}
