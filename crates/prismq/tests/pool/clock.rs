//! A pool follows its clock, also when it is set back.
//!
//! Failure mode: clock: set forward and back

use std::sync::Arc;
use std::sync::mpsc::channel;
use std::time::Duration;

use prismq::{ManualClock, Outcome, Queue, TaskError, Timestamp, WorkerPool};

use crate::support::{
    Fixture, Gate, LEASE, RETRY, Wall, Watchdog, claim, receive, task, wait_until,
};

const TEN_YEARS: Duration = Duration::from_secs(10 * 365 * 24 * 60 * 60);

/// An idle pool once slept until a time that was due by the clock before it was set back.
#[test]
fn an_idle_pool_reclaims_by_the_new_time_when_the_clock_is_set_back() {
    let _watchdog = Watchdog::start();
    let folder = tempfile::tempdir().unwrap();
    let right = Timestamp::from_micros(1_000_000_000);
    let clock = Arc::new(Wall(ManualClock::new(right.after(TEN_YEARS))));
    let open = || Queue::builder(folder.path().join("queue.db")).clock(clock.clone()).open();
    let (queue, dead) = (open().unwrap(), open().unwrap());
    queue.enqueue(task("held by a worker that died")).unwrap();
    let held = dead.claim(&claim()).unwrap();
    let (send, events) = channel();
    let _pool = WorkerPool::builder(&queue)
        .handle_bytes("job", |_, _| Ok(()))
        .on_event(move |event| send.send((event.id, event.outcome)).unwrap())
        .start()
        .unwrap();
    wait_until!(queue.contention().empty_claims > 0);
    clock.0.set(right);
    assert_eq!(receive(&events, "an event"), (held[0].id(), Outcome::Completed));
}

/// A pool once extended no lease until the clock was again where it had been before.
#[test]
fn leases_are_extended_by_the_new_time_when_the_clock_is_set_back() {
    let fixture = Fixture::new();
    let (open, gate) = Gate::new();
    let pool = WorkerPool::builder(&fixture.queue)
        .workers(1)
        .lease(LEASE)
        .handle_bytes("job", gate.handler())
        .start()
        .unwrap();
    fixture.clock.set(Timestamp::from_micros(0));
    let id = fixture.enqueue("long");
    wait_until!(pool.stats().running == 1);
    for _ in 0..6 {
        fixture.clock.advance(LEASE / 2);
        fixture.wait_for_extension(id);
    }
    open.send(()).unwrap();
}

#[test]
fn a_pool_retries_once_the_backoff_has_passed() {
    let fixture = Fixture::new();
    fixture.queue.enqueue(task("").max_attempts(3)).unwrap();
    let (send, events) = channel();
    let _pool = WorkerPool::builder(&fixture.queue)
        .workers(2)
        .handle_bytes("job", |_, _| Err(TaskError::new("again")))
        .on_event(move |event| send.send((event.attempt, event.outcome)).unwrap())
        .start()
        .unwrap();
    assert_eq!(receive(&events, "an event"), (1, Outcome::Retried));
    fixture.clock.advance(RETRY);
    assert_eq!(receive(&events, "an event"), (2, Outcome::Retried));
    fixture.clock.advance(RETRY);
    assert_eq!(receive(&events, "an event"), (3, Outcome::Dead));
}
