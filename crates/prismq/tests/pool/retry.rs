use std::sync::mpsc::channel;

use prismq::{Outcome, TaskError, WorkerPool};

use crate::support::{Fixture, RETRY, task};

#[test]
fn a_pool_retries_when_the_clock_says_so() {
    let fixture = Fixture::new();
    fixture.queue.enqueue(&task("").max_attempts(3)).unwrap();
    let (events, told) = channel();
    let _pool = WorkerPool::builder(&fixture.queue)
        .workers(2)
        .handler("job", |_| Err(TaskError::new("again")))
        .on_event(move |event| events.send((event.attempt, event.outcome)).unwrap())
        .start()
        .unwrap();
    assert_eq!(told.recv().unwrap(), (1, Outcome::Retried));
    fixture.clock.advance(RETRY);
    assert_eq!(told.recv().unwrap(), (2, Outcome::Retried));
    fixture.clock.advance(RETRY);
    assert_eq!(told.recv().unwrap(), (3, Outcome::Dead));
}
