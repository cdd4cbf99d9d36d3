use std::time::Duration;

use crate::support::{Fixture, task};
use prismq::Queue;

#[test]
fn another_writer_is_waited_for_and_then_answered_busy() {
    let fixture = Fixture::new();
    let path = fixture.path();
    let impatient = Queue::builder(&path).busy_wait(Duration::from_millis(20)).open().unwrap();
    let other = rusqlite::Connection::open(&path).unwrap();
    other.execute_batch("BEGIN IMMEDIATE").unwrap();
    let error = impatient.enqueue(&task("refused")).unwrap_err();
    assert!(error.is_busy(), "{error}");
    let contention = impatient.contention();
    assert!(contention.busy_waits > 0);
    assert_eq!(contention.busy_errors, 1);

    other.execute_batch("ROLLBACK").unwrap();
    impatient.enqueue(&task("admitted")).unwrap();
    assert_eq!(impatient.stats("default").unwrap().enqueued, 1);
}
