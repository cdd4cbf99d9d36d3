use std::sync::mpsc::channel;

use prismq::{Outcome, WorkerPool};

use crate::common::{Fixture, LEASE, wait_until};

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
            if task.attempt() == 1 {
                begun.send(()).unwrap();
                wait_until(|| task.lease_lost());
            }
            Ok(())
        })
        .on_event(move |event| events.send((event.id, event.attempt, event.outcome)).unwrap())
        .start()
        .unwrap();
    begins.recv().unwrap();
    // As if the whole process had been stopped past the lease.
    fixture.clock.advance(LEASE);
    assert_eq!(told.recv().unwrap(), (id, 1, Outcome::LeaseLost));
    assert_eq!(told.recv().unwrap(), (id, 2, Outcome::Completed));
}
