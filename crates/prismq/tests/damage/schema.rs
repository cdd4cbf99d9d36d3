//! A file whose schema has triggers and views of an attacker: the queue works, and none of them runs.
//!
//! Failure mode: file: hostile triggers, views and tables | nothing of them runs, and every call ends

use prismq::{Claim, Queue};
use rusqlite::Connection;

use crate::support::{Watchdog, task};

#[test]
fn triggers_and_views_of_a_hostile_file_do_not_run() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("queue.db");
    Queue::open(&path).unwrap().enqueue(task("first")).unwrap();
    let attacker = Connection::open(&path).unwrap();
    attacker
        .execute_batch(
            "CREATE TABLE stolen (what);
             CREATE TRIGGER steal AFTER INSERT ON prismq_task
                 BEGIN INSERT INTO stolen VALUES (new.payload); DELETE FROM prismq_task; END;
             CREATE TRIGGER spoil AFTER UPDATE ON prismq_task
                 BEGIN INSERT INTO stolen VALUES ('claimed'); END;
             CREATE TRIGGER burn BEFORE DELETE ON prismq_task BEGIN SELECT RAISE(ABORT, 'no'); END;
             CREATE VIEW seen AS SELECT load_extension('/nowhere/evil.so');",
        )
        .unwrap();
    drop(attacker);

    let queue = Queue::open(&path).unwrap();
    queue.enqueue(task("second")).unwrap();
    let leases = queue.claim(&Claim::new(["job"]).max(9)).unwrap();
    assert_eq!(leases.len(), 2);
    leases.iter().for_each(|lease| queue.complete(lease).unwrap());
    drop(queue);
    let stolen: i64 = Connection::open(&path)
        .unwrap()
        .query_row("SELECT count(*) FROM stolen", [], |row| row.get(0))
        .unwrap();
    assert_eq!(stolen, 0);
}

#[test]
fn a_table_that_is_a_view_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("queue.db");
    drop(Queue::open(&path).unwrap());
    Connection::open(&path)
        .unwrap()
        .execute_batch("ALTER TABLE prismq_queue RENAME TO real; CREATE VIEW prismq_queue AS SELECT * FROM real;")
        .unwrap();
    let error = Queue::open(&path).unwrap_err();
    assert!(error.is_corrupt(), "{error:?}");
}

/// Otherwise setting the history would search forever for tasks to delete.
#[test]
fn a_history_counter_without_history_is_corrected() {
    let _watchdog = Watchdog::start();
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("queue.db");
    Queue::open(&path).unwrap().set_history("default", 9).unwrap();
    let attacker = Connection::open(&path).unwrap();
    attacker.execute_batch("UPDATE prismq_queue SET kept = 1000000").unwrap();
    drop(attacker);
    let queue = Queue::open(&path).unwrap();
    queue.set_history("default", 1).unwrap();
    assert_eq!(queue.stats("default").unwrap().kept, 0);
}
