//! A reader that keeps an old snapshot open: writers go on, the WAL grows by what they write, and is truncated once
//! the reader has ended.
//!
//! Failure mode: file: reader with a long transaction | writers go on, and the WAL shrinks once the reader has ended

use prismq::{NewTask, Queue};
use prismq_faults::Scratch;
use rusqlite::Connection;

use crate::power::random_run::wal;
use crate::support::{FILE, sound, wait_until};

const TASKS: usize = 3_000;

#[test]
fn a_reader_that_pins_the_wal_lets_it_shrink_in_the_end() {
    let folder = Scratch::new().unwrap();
    let path = folder.file(FILE);
    let queue = Queue::open(&path).unwrap();
    let reader = Connection::open(&path).unwrap();
    reader.execute_batch("BEGIN; SELECT count(*) FROM prismq_task").unwrap();
    for _ in 0..TASKS / 100 {
        queue.enqueue_all(vec![NewTask::new("job", vec![1; 3_000]); 100]).unwrap();
    }
    let length = || wal(&path).metadata().unwrap().len();
    let pinned = length();
    assert!(pinned > 8 << 20, "nothing could be checkpointed: {pinned}");
    assert_eq!(queue.contention().busy_errors, 0);
    reader.execute_batch("COMMIT").unwrap();
    // A commit makes the queue check the WAL; once it is idle, the WAL is truncated.
    queue.enqueue(NewTask::new("job", [1])).unwrap();
    wait_until("the WAL is truncated", || length() == 0);
    println!("the WAL was {} KiB long and is truncated", pinned >> 10);
    drop((queue, reader));
    assert_eq!(sound(&path).tasks.len(), TASKS + 1);
}
