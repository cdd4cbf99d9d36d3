use std::sync::Mutex;
use std::sync::mpsc::{channel, sync_channel};
use std::time::Duration;

use prismq::{Outcome, State, WorkerPool};

use crate::support::{Fixture, task, wait_until};

#[test]
fn a_shutdown_gives_back_what_no_worker_began() {
    let fixture = Fixture::new();
    let queue = &fixture.queue;
    let ids = queue.enqueue_all(&vec![task(""); 3]).unwrap();
    let (begun, begins) = channel();
    let (end, ends) = sync_channel::<()>(0);
    let ends = Mutex::new(ends);
    let (events, told) = channel();
    let pool = WorkerPool::builder(queue)
        .workers(1)
        .handler("job", move |task| {
            begun.send(task.id()).unwrap();
            // Until the test lets all of them end.
            _ = ends.lock().unwrap().recv();
            Ok(())
        })
        .on_event(move |event| events.send((event.id, event.outcome)).unwrap())
        .start()
        .unwrap();
    assert_eq!(begins.recv().unwrap(), ids[0]);
    let stopping = std::thread::spawn(move || pool.shutdown(Duration::from_secs(60)));
    wait_until(|| queue.stats("default").unwrap().leased == 1);
    drop(end);
    let report = stopping.join().unwrap();

    // Another may have begun before the pool learned that it is to stop.
    let completed = begins.try_iter().count() as u64 + 1;
    assert_eq!(report.stats.completed, completed);
    let events = told.try_iter().filter(|(_, outcome)| *outcome == Outcome::Completed);
    assert_eq!(events.count() as u64, completed);
    let left: Vec<_> = ids.iter().filter_map(|id| queue.task(*id).unwrap()).collect();
    assert_eq!(left.len() as u64 + completed, 3);
    for stored in left {
        assert_eq!((stored.state, stored.attempt), (State::Ready, 0));
    }
}
