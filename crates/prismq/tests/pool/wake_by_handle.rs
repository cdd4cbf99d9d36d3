use std::sync::mpsc::channel;

use prismq::WorkerPool;

use crate::support::{Fixture, task, wait_until};

#[test]
fn what_another_handle_enqueues_wakes_an_idle_pool() {
    let fixture = Fixture::new();
    let (events, told) = channel();
    let _pool = WorkerPool::builder(&fixture.queue)
        .workers(2)
        .handler("job", |_| Ok(()))
        .on_event(move |event| events.send(event.id).unwrap())
        .start()
        .unwrap();
    wait_until(|| fixture.queue.contention().empty_claims > 0);
    let id = fixture.another_handle().enqueue(&task("from outside")).unwrap();
    assert_eq!(told.recv().unwrap(), id);
}
