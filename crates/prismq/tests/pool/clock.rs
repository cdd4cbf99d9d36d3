use std::sync::mpsc::channel;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use prismq::{Clock, ManualClock, Outcome, Queue, Timestamp, WorkerPool};

use crate::support::{Fixture, LEASE, Wall, claim, task, wait_until};

const TEN_YEARS: Duration = Duration::from_secs(10 * 365 * 24 * 60 * 60);

/// An idle pool once slept until the time that was due by the wrong clock.
#[test]
fn an_idle_pool_takes_what_can_be_had_by_the_new_time() {
    let folder = tempfile::tempdir().unwrap();
    let right = Timestamp::from_micros(1_000_000_000);
    let clock = Arc::new(Wall(ManualClock::new(right.after(TEN_YEARS))));
    let open = || Queue::builder(folder.path().join("queue.db")).clock(clock.clone()).open();
    let (queue, dead) = (open().unwrap(), open().unwrap());
    queue.enqueue(&task("held by a worker that died")).unwrap();
    let held = dead.claim(&claim()).unwrap();
    let (events, told) = channel();
    let _pool = WorkerPool::builder(&queue)
        .handler("job", |_| Ok(()))
        .on_event(move |event| events.send((event.id, event.outcome)).unwrap())
        .start()
        .unwrap();
    wait_until(|| queue.contention().empty_claims > 0);
    clock.0.set(right);
    assert_eq!(told.recv().unwrap(), (held[0].id(), Outcome::Completed));
}

/// A pool once extended no lease until the clock stood again where it had stood.
#[test]
fn a_pool_keeps_the_leases_of_what_it_claims_by_the_new_time() {
    let fixture = Fixture::new();
    let (begun, begins) = channel();
    let (end, ends) = channel::<()>();
    let ends = Mutex::new(ends);
    let _pool = WorkerPool::builder(&fixture.queue)
        .workers(1)
        .lease(LEASE)
        .handler("job", move |_| {
            begun.send(()).unwrap();
            ends.lock().unwrap().recv().unwrap();
            Ok(())
        })
        .start()
        .unwrap();
    fixture.clock.set(Timestamp::from_micros(0));
    let id = fixture.enqueue("long");
    begins.recv().unwrap();
    for _ in 0..6 {
        fixture.clock.advance(LEASE / 2);
        let extended = fixture.clock.now().after(LEASE);
        wait_until(|| fixture.queue.task(id).unwrap().unwrap().lease_expires_at == Some(extended));
    }
    end.send(()).unwrap();
}
