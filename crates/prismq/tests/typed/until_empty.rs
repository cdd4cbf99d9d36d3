//! Pools that end once there is nothing left to run.

use prismq::{Error, Queue, State, Task, TaskError, WorkerPool};
use serde::{Deserialize, Serialize};

use crate::support::Fixture;

/// Enqueues as many more, one after the other.
#[derive(Task, Serialize, Deserialize)]
struct Chain {
    left: u32,
}

#[test]
fn what_handlers_enqueue_meanwhile_is_run_too() {
    let fixture = Fixture::new();
    fixture.queue.enqueue(Chain { left: 50 }).unwrap();
    let queue = fixture.queue.clone();
    let report = WorkerPool::builder(&fixture.queue)
        .workers(3)
        .handle(move |chain: Chain, _| {
            if chain.left > 0 {
                queue.enqueue(Chain { left: chain.left - 1 })?;
            }
            Ok(())
        })
        .run_until_empty()
        .unwrap();
    assert_eq!(report.stats.completed, 51);
}

#[test]
fn what_is_scheduled_for_later_stays() {
    let fixture = Fixture::new();
    let handle = fixture.queue.enqueue(Chain { left: 0 }).unwrap();
    let pool = |queue: &Queue| {
        WorkerPool::builder(queue).handle(|_: Chain, _| Err(TaskError::new("no"))).run_until_empty()
    };
    assert_eq!(pool(&fixture.queue).unwrap().stats.retried, 1);
    assert_eq!(handle.info().unwrap().unwrap().state, State::Scheduled);
    assert_eq!(pool(&fixture.queue).unwrap().stats.retried, 0, "an empty queue ends it at once");
}

#[test]
fn a_fault_of_the_queue_ends_it_with_the_error() {
    let fixture = Fixture::new();
    fixture.queue.enqueue(Chain { left: 0 }).unwrap();
    let (path, moved) = (fixture.path(), fixture.next_to(".moved"));
    let ended = WorkerPool::builder(&fixture.queue)
        .handle(move |_: Chain, _| {
            std::fs::rename(&path, &moved)?;
            Ok(())
        })
        .run_until_empty();
    assert!(matches!(ended, Err(Error::Moved { .. })), "{ended:?}");
}
