//! The leases of running tasks: extended, or lost.

use std::sync::Arc;
use std::sync::mpsc::channel;

use prismq::{CancelReason, Clock as _, ManualClock, Outcome, Queue, WorkerPool};

use crate::support::{Fixture, Gate, LEASE, claim, receive, wait_until};

#[test]
fn the_lease_of_a_running_task_is_extended() {
    let fixture = Fixture::new();
    let id = fixture.enqueue("long");
    let (open, gate) = Gate::new();
    let (send, events) = channel();
    let pool = WorkerPool::builder(&fixture.queue)
        .workers(2)
        .lease(LEASE)
        .handle_bytes("job", gate.handler())
        .on_event(move |event| send.send(event.outcome).unwrap())
        .start()
        .unwrap();
    wait_until!(pool.stats().running == 1);
    // Three leases long, in steps shorter than one.
    for _ in 0..6 {
        fixture.clock.advance(LEASE / 2);
        fixture.wait_for_extension(id);
    }
    open.send(()).unwrap();
    assert_eq!(receive(&events, "an event"), Outcome::Completed);
}

#[test]
fn the_handler_sees_a_lost_lease_and_its_result_is_refused() {
    let fixture = Fixture::new();
    let id = fixture.enqueue("work");
    let (send_start, starts) = channel();
    let (send, events) = channel();
    let _pool = WorkerPool::builder(&fixture.queue)
        .workers(1)
        .lease(LEASE)
        .handle_bytes("job", move |_, task| {
            send_start.send(()).unwrap();
            wait_until!(task.cancelled() == Some(CancelReason::LeaseLost));
            Ok(())
        })
        .on_event(move |event| send.send((event.id, event.attempt, event.outcome)).unwrap())
        .start()
        .unwrap();
    receive(&starts, "the start of a handler");
    // As if this process had been stopped past the lease, and another had reclaimed the task meanwhile.
    let later = Arc::new(ManualClock::new(fixture.clock.now().after(LEASE)));
    let other = Queue::builder(fixture.path()).clock(later).open().unwrap();
    let taken = other.claim(&claim()).unwrap().remove(0);
    fixture.clock.advance(LEASE);
    assert_eq!(receive(&events, "an event"), (id, 1, Outcome::LeaseLost));
    assert_eq!((taken.id(), taken.attempt()), (id, 2));
    other.complete(&taken).unwrap();
}
