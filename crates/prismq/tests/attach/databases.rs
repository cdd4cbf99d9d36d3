//! Databases that a queue is attached to.
//!
//! Failure mode: file: a database of an application that has a table named as one of a queue's | refused with its name, left as it was

use std::thread;
use std::time::Duration;

use prismq::sqlite::enqueue_in;
use prismq::{Error, Queue};
use rusqlite::{Connection, TransactionBehavior};

use super::{application, works};
use crate::support::{Watchdog, claim, join, task, wait_until};

#[test]
fn a_queue_works_in_a_database_of_any_page_size_vacuum_mode_and_encoding() {
    for setting in [
        "page_size = 512",
        "page_size = 65536",
        "auto_vacuum = FULL",
        "auto_vacuum = INCREMENTAL",
        "encoding = 'UTF-16le'",
        "foreign_keys = ON",
    ] {
        let tables =
            format!("PRAGMA {setting}; CREATE TABLE user (id INTEGER PRIMARY KEY, name TEXT)");
        let (_folder, path, mut app) = application(&tables);
        let queue = Queue::attach(&path).unwrap();
        works(&queue);
        queue.enqueue(task(&"large".repeat(2000))).unwrap();
        let own = app.transaction_with_behavior(TransactionBehavior::Immediate).unwrap();
        enqueue_in(&queue, &own, &[task("in the application's transaction")]).unwrap();
        own.execute_batch("INSERT INTO prismq_inbox (type, payload) VALUES ('job', 'grüße')")
            .unwrap();
        own.commit().unwrap();
        let leases = queue.claim(&claim().max(9)).unwrap();
        let payloads: Vec<_> = leases.iter().map(|lease| lease.payload().len()).collect();
        assert_eq!(payloads, [10_000, 32, 7], "{setting}");
        let check = "PRAGMA integrity_check";
        let found: String = app.query_row(check, [], |row| row.get(0)).unwrap();
        assert_eq!(found, "ok", "{setting}");
    }
}

#[test]
fn tables_without_row_ids_virtual_tables_views_and_generated_columns_are_left_alone() {
    let (_folder, path, app) = application(
        "CREATE TABLE pair (a TEXT, b TEXT, PRIMARY KEY (a, b)) WITHOUT ROWID;
         CREATE VIRTUAL TABLE text USING fts5 (body);
         CREATE TABLE sum (a INTEGER, b INTEGER, total INTEGER GENERATED ALWAYS AS (a + b) STORED);
         CREATE VIEW totals AS SELECT total FROM sum;
         INSERT INTO pair VALUES ('a', 'b'); INSERT INTO text VALUES ('some words'); INSERT INTO sum VALUES (1, 2)",
    );
    works(&Queue::attach(&path).unwrap());
    let read =
        "SELECT (SELECT count(*) FROM pair), (SELECT count(*) FROM text WHERE body MATCH 'words'),
                       (SELECT total FROM totals)";
    let rows = app.query_row(read, [], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)));
    assert_eq!(rows.unwrap(), (1, 1, 3));
}

#[test]
fn a_foreign_table_with_a_name_of_the_queues_is_named_and_nothing_is_changed() {
    for (statement, name) in [
        ("CREATE TABLE prismq_task (id INTEGER PRIMARY KEY)", "prismq_task"),
        ("CREATE TABLE prismq_meta (name TEXT)", "prismq_meta"),
        ("CREATE TABLE PrismQ_Lane (name TEXT)", "PrismQ_Lane"),
        ("CREATE TABLE t (n); CREATE INDEX prismq_task_ready ON t (n)", "prismq_task_ready"),
        ("CREATE VIEW prismq_inbox AS SELECT 1", "prismq_inbox"),
    ] {
        let (_folder, path, app) = application(statement);
        let refused = Queue::attach(&path).unwrap_err();
        assert!(matches!(refused, Error::Unusable { .. }), "{refused:?}");
        assert!(refused.to_string().contains(&format!("{name:?}")), "{refused}");
        let count = "SELECT count(*) FROM sqlite_schema WHERE name LIKE 'prismq%'";
        let named: i64 = app.query_row(count, [], |row| row.get(0)).unwrap();
        let mode: String = app.pragma_query_value(None, "journal_mode", |row| row.get(0)).unwrap();
        assert_eq!((named, mode.as_str()), (1, "delete"), "{statement}");
    }
}

#[test]
fn an_encrypted_or_foreign_file_is_no_database() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("app.db");
    let bytes: Vec<u8> =
        (0..8192_u32).map(|n| (n.wrapping_mul(2_654_435_761) >> 13) as u8).collect();
    std::fs::write(&path, &bytes).unwrap();
    let refused = Queue::attach(&path).unwrap_err();
    assert!(matches!(refused, Error::NotADatabase { .. }), "{refused:?}");
    assert_eq!(std::fs::read(&path).unwrap(), bytes, "left as it was");
}

#[test]
fn a_transaction_under_another_journal_mode_is_waited_for() {
    let _watchdog = Watchdog::start();
    let (_folder, path, app) = application("CREATE TABLE user (name TEXT)");
    let mode: String = app.pragma_query_value(None, "journal_mode", |row| row.get(0)).unwrap();
    assert_eq!(mode, "delete");
    app.execute_batch("BEGIN; SELECT count(*) FROM user").unwrap();
    let impatient = Queue::builder(&path).attach(true).busy_wait(Duration::from_millis(20)).open();
    assert!(matches!(impatient, Err(Error::Busy { .. })), "{impatient:?}");

    let attaching = thread::spawn(move || Queue::attach(&path).unwrap());
    // It may have to wait: the switch to WAL needs the file to itself.
    thread::yield_now();
    app.execute_batch("COMMIT").unwrap();
    let queue = join(attaching, "the queue is attached");
    works(&queue);
    app.execute("INSERT INTO user VALUES ('ann')", []).unwrap();
    let mode: String = app.pragma_query_value(None, "journal_mode", |row| row.get(0)).unwrap();
    assert_eq!(mode, "wal", "for the connections that were open too");
}

#[test]
fn many_threads_attach_to_one_database_at_once() {
    let _watchdog = Watchdog::start();
    for _ in 0..5 {
        let (_folder, path, _app) = application("CREATE TABLE user (name TEXT)");
        let threads: Vec<_> = (0..6)
            .map(|_| {
                let path = path.clone();
                let attach = move || Queue::attach(path).unwrap();
                thread::spawn(move || attach().enqueue(task("one")).unwrap().id())
            })
            .collect();
        let mut ids: Vec<_> =
            threads.into_iter().map(|thread| join(thread, "the queue is attached")).collect();
        ids.sort_unstable();
        ids.dedup();
        assert_eq!(ids.len(), 6);
        wait_until!(Queue::attach(&path).unwrap().stats("default").unwrap().ready == 6);
    }
}

#[test]
fn a_database_that_another_connection_locks_for_itself_is_busy() {
    let (_folder, path, app) = application("CREATE TABLE user (name TEXT)");
    app.execute_batch(
        "PRAGMA journal_mode = WAL; PRAGMA locking_mode = EXCLUSIVE; INSERT INTO user VALUES ('ann')",
    )
    .unwrap();
    let busy = Queue::builder(&path).attach(true).busy_wait(Duration::from_millis(20)).open();
    assert!(matches!(busy, Err(Error::Busy { .. })), "{busy:?}");
    drop(app);
    works(&Queue::attach(&path).unwrap());
    Connection::open(&path).unwrap();
}
