//! The time limit of handlers.

use std::sync::mpsc::channel;
use std::time::Duration;

use prismq::{CancelReason, Outcome, State, WorkerPool};

use crate::support::{DEADLINE, Fixture, Gate, receive, task, wait_until};

const LIMIT: Duration = Duration::from_millis(20);
/// A limit whose grace period, of the same length, suffices for a handler that stops, on a busy machine too.
const LONGER: Duration = Duration::from_secs(2);

#[test]
fn a_handler_is_notified_of_its_timeout() {
    let fixture = Fixture::new();
    let pool = WorkerPool::builder(&fixture.queue)
        .workers(1)
        .timeout_of("job", LONGER)
        .handle_bytes("job", |_, task| {
            wait_until!(task.cancelled() == Some(CancelReason::Timeout));
            Err("stopped".into())
        })
        .start()
        .unwrap();
    let id = fixture.queue.enqueue(task("work").max_attempts(1)).unwrap().id();
    wait_until!(pool.stats().dead == 1);
    let task = fixture.queue.task(id).unwrap().unwrap();
    assert_eq!(task.error.as_deref(), Some("timed out after 2s: stopped"));
    assert_eq!(pool.stats().timed_out, 1);
}

#[test]
fn an_attempt_that_does_not_stop_is_recorded_as_timed_out() {
    let fixture = Fixture::new();
    let (open, gate) = Gate::new();
    let (send, events) = channel();
    let pool = WorkerPool::builder(&fixture.queue)
        .workers(1)
        .timeout(LIMIT)
        .handle_bytes("job", gate.handler())
        .on_event(move |event| send.send(event.clone()).unwrap())
        .start()
        .unwrap();
    let id = fixture.queue.enqueue(task("stuck").max_attempts(2)).unwrap().id();
    let event = receive(&events, "an event");
    assert_eq!((event.id, event.outcome, event.worker), (id, Outcome::Retried, Some(0)));
    let found = fixture.queue.task(id).unwrap().unwrap();
    assert_eq!(found.state, State::Scheduled);
    let error = found.error.unwrap();
    assert!(error.starts_with("timed out after 20ms"), "{error}");
    assert_eq!((pool.stats().running, pool.stats().timed_out), (1, 1));
    drop(open);
    let report = pool.shutdown(DEADLINE);
    assert_eq!((report.stats.completed, report.stats.retried), (0, 1), "its result is discarded");
}

#[test]
fn the_timeout_of_one_type_does_not_apply_to_others() {
    let fixture = Fixture::new();
    let (open, gate) = Gate::new();
    let pool = WorkerPool::builder(&fixture.queue)
        .workers(2)
        .timeout_of("other", LONGER)
        .handle_bytes("job", gate.handler())
        .handle_bytes("other", |_, task| {
            wait_until!(task.cancelled() == Some(CancelReason::Timeout));
            Ok(())
        })
        .start()
        .unwrap();
    fixture.enqueue("long");
    fixture.queue.enqueue(prismq::NewTask::new("other", [])).unwrap();
    wait_until!(pool.stats().completed == 1);
    drop(open);
    wait_until!(pool.stats().completed == 2);
    assert_eq!(pool.stats().timed_out, 0, "an attempt that returned Ok is completed");
}
