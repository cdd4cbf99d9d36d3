//! One round trip through a queue with the version of `rusqlite` that the package depends on, the application's own
//! connection in it.
#![cfg(test)]

use std::error::Error;

use prismq::{Claim, NewTask, Queue};
use rusqlite::{Connection, TransactionBehavior};

/// The first SQLite without a race that can lose commits of a shared WAL.
const SQLITE_VERSION_MIN: i32 = 3_051_003;

#[test]
fn the_bundled_sqlite_is_new_enough() {
    let version = rusqlite::version_number();
    assert!(version >= SQLITE_VERSION_MIN, "{}", rusqlite::version());
}

#[test]
fn the_library_names_the_drivers_version() {
    assert_eq!(prismq::rusqlite::version_number(), rusqlite::version_number());
    let connection: prismq::rusqlite::Connection = Connection::open_in_memory().unwrap();
    drop(connection);
}

#[test]
fn an_application_with_this_driver_shares_its_database_with_a_queue() -> Result<(), Box<dyn Error>>
{
    let folder = tempfile::tempdir()?;
    let path = folder.path().join("app.db");
    let mut app = Connection::open(&path)?;
    app.execute_batch("CREATE TABLE user (name TEXT)")?;
    let queue = Queue::attach(&path)?;

    queue.enqueue(NewTask::new("welcome", *b"ann"))?;
    let own = app.transaction_with_behavior(TransactionBehavior::Immediate)?;
    own.execute("INSERT INTO user VALUES ('bob')", [])?;
    prismq::sqlite::enqueue_in(&queue, &own, &[NewTask::new("welcome", *b"bob")])?;
    own.commit()?;

    let leases = queue.claim(&Claim::new(["welcome"]).max(9))?;
    let names: Vec<_> = leases.iter().map(|lease| lease.payload().to_vec()).collect();
    assert_eq!(names, [b"ann", b"bob"]);
    for lease in &leases {
        queue.complete(lease)?;
    }
    assert_eq!(queue.stats("default")?.completed, 2);
    // Enough commits for checkpoints, which depend on the hook that reports the WAL's size.
    for _ in 0..40 {
        queue.enqueue(NewTask::new("large", vec![7; 300_000]))?;
    }
    let wal = std::fs::metadata(folder.path().join("app.db-wal"))?.len();
    assert!(wal < 10 << 20, "the WAL was checkpointed: {wal} bytes");
    drop(queue);
    assert_eq!(Queue::open(&path)?.stats("default")?.ready, 40);
    Ok(())
}
