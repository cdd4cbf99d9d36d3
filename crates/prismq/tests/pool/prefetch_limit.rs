use std::sync::Mutex;
use std::sync::mpsc::channel;
use std::time::Duration;

use prismq::WorkerPool;

use crate::support::{Fixture, task, wait_until};

const WORKERS: usize = 2;
const PREFETCH: usize = 5;

/// Quick handlers, for which a pool claims as much ahead as it may, then ones that stand still.
#[test]
fn a_pool_holds_no_more_than_its_prefetch() {
    let fixture = Fixture::new();
    let queue = &fixture.queue;
    let (entered_in, entered) = channel();
    let (release, released) = channel::<()>();
    let (entered_in, released) = (Mutex::new(entered_in), Mutex::new(released));
    let pool = WorkerPool::builder(queue)
        .workers(WORKERS)
        .prefetch(PREFETCH)
        .handler("job", move |task| {
            if task.payload() == b"still" {
                entered_in.lock().unwrap().send(())?;
                // Ends when nobody can release it any more.
                _ = released.lock().unwrap().recv();
            }
            Ok(())
        })
        .start()
        .unwrap();
    queue.enqueue_all(&vec![task("quick"); 200]).unwrap();
    wait_until(|| pool.stats().completed == 200);
    queue.enqueue_all(&vec![task("still"); 100]).unwrap();
    for _ in 0..WORKERS {
        entered.recv().unwrap();
    }
    wait_until(|| pool.stats().running == WORKERS);
    let leased = queue.stats("default").unwrap().leased;
    assert!(leased <= (WORKERS + PREFETCH) as u64, "{leased} are held");
    drop(release);
    assert!(pool.shutdown(Duration::from_secs(60)).error.is_none());
}
