use std::sync::Arc;
use std::sync::mpsc::channel;

use prismq::{Clock as _, ManualClock, Outcome, Queue, WorkerPool};

use crate::support::{Fixture, LEASE, claim, wait_until};

#[test]
fn a_lost_lease_is_told_to_the_handler_and_its_result_refused() {
    let fixture = Fixture::new();
    let id = fixture.enqueue("stopped too long");
    let (begun, begins) = channel();
    let (events, told) = channel();
    let _pool = WorkerPool::builder(&fixture.queue)
        .workers(1)
        .lease(LEASE)
        .handler("job", move |task| {
            begun.send(()).unwrap();
            wait_until(|| task.lease_lost());
            Ok(())
        })
        .on_event(move |event| events.send((event.id, event.attempt, event.outcome)).unwrap())
        .start()
        .unwrap();
    begins.recv().unwrap();
    // As if the whole process had been stopped past the lease, and another had taken the task meanwhile.
    let later = Arc::new(ManualClock::new(fixture.clock.now().after(LEASE)));
    let other = Queue::builder(fixture.path()).clock(later).open().unwrap();
    let taken = other.claim(&claim()).unwrap().remove(0);
    fixture.clock.advance(LEASE);
    assert_eq!(told.recv().unwrap(), (id, 1, Outcome::LeaseLost));
    assert_eq!((taken.id(), taken.attempt()), (id, 2));
    other.complete(&taken).unwrap();
}
