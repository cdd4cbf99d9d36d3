//! The length of the WAL: under load, in large transactions, when idle, and while a reader holds a snapshot.

use prismq::{NewTask, Queue};
use tracing::Level;

use crate::support::{Fixture, Messages, hold_snapshot, task, wait_until};

const MIB: u64 = 1 << 20;

/// The warnings that this thread logs while it runs the function.
fn warnings_during(run: impl FnOnce()) -> Vec<String> {
    Messages::new(Level::WARN, |_| {}).during(run)
}

fn enqueue(queue: &Queue, tasks: usize) {
    queue.enqueue_all(vec![NewTask::new("job", vec![7; 20 << 10]); tasks]).unwrap();
}

#[test]
fn the_wal_holds_at_most_two_large_transactions_and_8_mib() {
    // Larger than what is checkpointed while commits continue, and larger than all limits.
    for tasks in [150, 400, 800] {
        let fixture = Fixture::new();
        let mut largest = 0;
        let mut longest = 0;
        let warnings = warnings_during(|| {
            enqueue(&fixture.queue, tasks);
            largest = fixture.wal_bytes();
            for _ in 0..10 {
                enqueue(&fixture.queue, tasks);
                longest = longest.max(fixture.wal_bytes());
            }
        });
        let allowed = 2 * largest + 8 * MIB;
        assert!(
            longest <= allowed,
            "{tasks} tasks: {longest} bytes, at most {allowed} are allowed"
        );
        assert_eq!(warnings, [""; 0], "no other connection has the file open");
    }
}

#[test]
fn a_reader_that_keeps_the_wal_from_being_reset_is_reported_once() {
    let fixture = Fixture::new();
    fixture.enqueue("first");
    let reader = hold_snapshot(&fixture.path());
    let warnings = warnings_during(|| {
        while fixture.wal_bytes() < 80 * MIB {
            enqueue(&fixture.queue, 400);
        }
    });
    assert_eq!(
        warnings,
        ["WAL cannot be reset: a reader holds an old snapshot; end its transaction"]
    );
    drop(reader);
    for _ in 0..3 {
        enqueue(&fixture.queue, 400);
    }
    let before = fixture.wal_bytes();
    for _ in 0..3 {
        enqueue(&fixture.queue, 400);
    }
    // A transaction of 8 MiB may be a few pages longer than the one before.
    let grown = fixture.wal_bytes().saturating_sub(before);
    assert!(grown < MIB, "{grown} bytes: it stops growing once the reader is gone");
}

#[test]
fn the_wal_is_truncated_once_the_queue_is_idle() {
    let fixture = Fixture::new();
    // More than the WAL may hold before it is checkpointed between the commits.
    let tasks = vec![task(&"x".repeat(1000)); 5_000];
    fixture.queue.enqueue_all(&tasks).unwrap();
    assert!(fixture.wal_bytes() > 4 << 20);
    wait_until!(fixture.wal_bytes() == 0);
    assert_eq!(fixture.claim(10).len(), 10);
}

#[test]
fn the_wal_stays_bounded_under_sustained_load() {
    /// From this length on the writer itself resets the WAL (4 MiB).
    const WAL_PAGES: u64 = 1024;
    const PAGE_BYTES: u64 = 4096;
    let fixture = Fixture::new();
    let batch = vec![task(&"x".repeat(1000)); 500];
    let mut written = 0;
    let mut longest = 0;
    while written < 10 * WAL_PAGES * PAGE_BYTES {
        fixture.queue.enqueue_all(&batch).unwrap();
        written += 500 * 1000;
        longest = longest.max(fixture.wal_bytes());
    }
    // The last transaction before the writer resets the WAL may be a large one.
    let allowed = 2 * WAL_PAGES * PAGE_BYTES;
    assert!(longest < allowed, "{longest} bytes, at most {allowed} are allowed");
}
