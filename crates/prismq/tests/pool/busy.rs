use std::sync::Mutex;
use std::sync::mpsc::channel;
use std::time::Duration;

use prismq::{Outcome, Queue, WorkerPool};

use crate::support::{Fixture, task, wait_until};

#[test]
fn a_pool_waits_out_a_busy_database() {
    let fixture = Fixture::new();
    let queue = Queue::builder(fixture.path()).busy_wait(Duration::from_millis(1)).open().unwrap();
    queue.enqueue(&task("")).unwrap();
    let (begun, begins) = channel();
    let (end, ends) = channel::<()>();
    let ends = Mutex::new(ends);
    let (events, told) = channel();
    let _pool = WorkerPool::builder(&queue)
        .workers(2)
        .handler("job", move |_| {
            begun.send(()).unwrap();
            ends.lock().unwrap().recv().unwrap();
            Ok(())
        })
        .on_event(move |event| events.send(event.outcome).unwrap())
        .start()
        .unwrap();
    begins.recv().unwrap();
    let other = rusqlite::Connection::open(fixture.path()).unwrap();
    other.execute_batch("BEGIN IMMEDIATE").unwrap();
    end.send(()).unwrap();
    wait_until(|| queue.contention().busy_errors >= 2);
    other.execute_batch("ROLLBACK").unwrap();
    assert_eq!(told.recv().unwrap(), Outcome::Completed);
}
