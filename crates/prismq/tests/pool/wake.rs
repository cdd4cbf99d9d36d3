use std::sync::mpsc::channel;
use std::time::Duration;

use prismq::WorkerPool;

use crate::support::{Fixture, task, wait_until};

const PATIENCE: Duration = Duration::from_secs(30);

/// The pool has learned that its handlers are quick, so it wakes no second worker for a second task; the
/// first of them then waits for just that second one.
#[test]
fn a_slow_task_among_quick_ones_holds_up_no_other() {
    let fixture = Fixture::new();
    let queue = &fixture.queue;
    let (release, released) = channel();
    let released = std::sync::Mutex::new(released);
    let pool = WorkerPool::builder(queue)
        .workers(2)
        .handler("job", move |task| {
            match task.payload() {
                b"slow" => released.lock().unwrap().recv_timeout(PATIENCE)?,
                b"behind it" => release.send(())?,
                _ => {}
            }
            Ok(())
        })
        .start()
        .unwrap();
    let mut settled = 0;
    for _ in 0..20 {
        for tasks in [vec![task("quick"); 200], vec![task("slow"), task("behind it")]] {
            queue.enqueue_all(&tasks).unwrap();
            settled += tasks.len() as u64;
            wait_until(|| {
                let stats = pool.stats();
                stats.completed + stats.retried == settled
            });
        }
    }
    assert_eq!(pool.shutdown(PATIENCE).stats.retried, 0);
}
