//! A quota or a limit of file sizes is reached: to SQLite both are failed writes.
#![cfg(unix)]
use prismq::Queue;

use crate::support::{TestProcess, Watchdog, task};

const BLOCKS: u32 = 1000;

#[test]
#[ignore = "started by the test below, in a process with a limit"]
fn enqueueing_up_to_the_limit() {
    let (path, _watchdog) = TestProcess::file();
    let queue = Queue::open(&path).unwrap();
    let task = task(&"x".repeat(1000));
    let mut acknowledged = 0;
    let error = loop {
        match queue.enqueue(&task) {
            Ok(_) => acknowledged += 1,
            Err(error) => break error,
        }
    };
    assert!(error.is_full() && error.to_string().contains("File too large"), "{error:?}");
    assert!(queue.enqueue(&task).unwrap_err().is_full(), "the queue is not poisoned");
    assert_eq!(queue.stats("default").unwrap().ready, acknowledged);

    // There is room in the WAL again once it was reset.
    let other = rusqlite::Connection::open(&path).unwrap();
    other.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |_| Ok(())).unwrap();
    queue.enqueue(&task).unwrap();
    println!("acknowledged {}", acknowledged + 1);
}

#[test]
fn a_file_size_limit_is_reported_as_a_full_disk_and_survived() {
    let _watchdog = Watchdog::start();
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("queue.db");
    let test = concat!(module_path!(), "::enqueueing_up_to_the_limit");
    let printed = TestProcess::start_with_file_limit(test, BLOCKS, &path).output();
    let ready = Queue::open(&path).unwrap().stats("default").unwrap().ready;
    assert!(
        ready > 0 && printed.contains(&format!("acknowledged {ready}\n")),
        "{ready}: {printed}"
    );
}
