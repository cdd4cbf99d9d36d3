use std::sync::Mutex;
use std::sync::mpsc::channel;

use prismq::{Clock, Outcome, WorkerPool};

use crate::support::{Fixture, LEASE, wait_until};

#[test]
fn a_running_task_keeps_its_lease() {
    let fixture = Fixture::new();
    let id = fixture.enqueue("long");
    let (begun, begins) = channel();
    let (end, ends) = channel::<()>();
    let ends = Mutex::new(ends);
    let (events, told) = channel();
    let _pool = WorkerPool::builder(&fixture.queue)
        .workers(2)
        .lease(LEASE)
        .handler("job", move |_| {
            begun.send(()).unwrap();
            ends.lock().unwrap().recv().unwrap();
            Ok(())
        })
        .on_event(move |event| events.send(event.outcome).unwrap())
        .start()
        .unwrap();
    begins.recv().unwrap();
    // Three leases long, in steps shorter than one.
    for _ in 0..6 {
        fixture.clock.advance(LEASE / 2);
        let extended = fixture.clock.now().after(LEASE);
        wait_until(|| fixture.queue.task(id).unwrap().unwrap().lease_expires_at == Some(extended));
    }
    end.send(()).unwrap();
    assert_eq!(told.recv().unwrap(), Outcome::Completed);
}
