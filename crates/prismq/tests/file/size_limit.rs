//! A quota or a limit of the size of files is reached: SQLite calls both a failed write.
#![cfg(unix)]
use std::env;

use prismq::Queue;

use crate::support::{FILE, run_with_file_limit, task};

const BLOCKS: u32 = 400;

#[test]
#[ignore = "started by the test below, in a process with a limit"]
fn enqueue_up_to_the_limit() {
    let path = env::var_os(FILE).unwrap();
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
    assert!(queue.enqueue(&task).unwrap_err().is_full(), "still, and no more than that");
    assert_eq!(queue.stats("default").unwrap().ready, acknowledged);

    // There is room in the WAL again once it starts over.
    let other = rusqlite::Connection::open(&path).unwrap();
    other.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |_| Ok(())).unwrap();
    queue.enqueue(&task).unwrap();
    println!("acknowledged {}", acknowledged + 1);
}

#[test]
fn a_limit_is_answered_as_a_full_disk_and_survived() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("queue.db");
    let output = run_with_file_limit("file::size_limit::enqueue_up_to_the_limit", BLOCKS, &path);
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(output.status.success(), "{output:?}");
    let ready = Queue::open(&path).unwrap().stats("default").unwrap().ready;
    assert!(ready > 0 && said.contains(&format!("acknowledged {ready}\n")), "{ready}: {said}");
}
