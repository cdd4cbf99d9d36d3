use std::sync::Mutex;
use std::sync::mpsc::channel;
use std::time::Duration;

use prismq::{State, WorkerPool};

use crate::support::{Fixture, wait_until};

#[test]
fn a_shutdown_does_not_wait_longer_than_it_is_told() {
    let fixture = Fixture::new();
    let id = fixture.enqueue("endless");
    let (begun, begins) = channel();
    let (end, ends) = channel::<()>();
    let ends = Mutex::new(ends);
    let pool = WorkerPool::builder(&fixture.queue)
        .workers(2)
        .handler("job", move |_| {
            begun.send(()).unwrap();
            ends.lock().unwrap().recv().unwrap();
            Ok(())
        })
        .start()
        .unwrap();
    begins.recv().unwrap();
    let report = pool.shutdown(Duration::ZERO);
    assert_eq!(report.abandoned, [id]);
    assert_eq!(fixture.queue.task(id).unwrap().unwrap().state, State::Leased);

    // It still counts if it ends within its lease.
    end.send(()).unwrap();
    wait_until(|| fixture.queue.stats("default").unwrap().completed == 1);
}
