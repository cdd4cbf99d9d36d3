use std::sync::Mutex;
use std::sync::mpsc::{channel, sync_channel};
use std::time::Duration;

use prismq::{Outcome, State, WorkerPool};

use crate::common::{Fixture, task, wait_until};

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
            // The first is quick, so that the pool fetches ahead.
            if task.payload().is_empty() && begun.send(task.id()).is_ok() {
                ends.lock().unwrap().recv().unwrap();
            }
            Ok(())
        })
        .on_event(move |event| events.send((event.id, event.outcome)).unwrap())
        .start()
        .unwrap();
    assert_eq!(begins.recv().unwrap(), ids[0]);
    let stopping = std::thread::spawn(move || pool.shutdown(Duration::from_secs(60)));
    wait_until(|| queue.stats("default").unwrap().leased == 1);
    end.send(()).unwrap();
    let report = stopping.join().unwrap();

    assert_eq!(report.stats.completed, 1);
    assert_eq!(told.try_iter().filter(|(_, outcome)| *outcome == Outcome::Completed).count(), 1);
    for id in &ids[1..] {
        let stored = queue.task(*id).unwrap().unwrap();
        assert_eq!((stored.state, stored.attempt), (State::Ready, 0));
    }
}
