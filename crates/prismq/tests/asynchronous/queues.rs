//! An asynchronous pool that serves several queues.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use prismq::{PoolQueues, WorkerPool};
use tokio::sync::Semaphore;
use tokio::task::yield_now;

use crate::support::{DEADLINE, Fixture, task};

#[test]
fn a_bound_leaves_the_other_workers_to_other_queues() {
    let fixture = Fixture::new();
    let queue = &fixture.queue;
    let (running, most) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));
    let gate = Arc::new(Semaphore::new(0));
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
    let report = runtime.block_on(async {
        queue.enqueue_all(&vec![task("").queue("media"); 40]).unwrap();
        let (counted, highest, passes) = (running.clone(), most.clone(), gate.clone());
        let pool = WorkerPool::builder(queue)
            .queues(PoolQueues::by_share([("default", 1), ("media", 1)]).at_most("media", 3))
            .workers(50)
            .handle_bytes_async("job", move |_, cx| {
                let (running, most, gate) = (counted.clone(), highest.clone(), passes.clone());
                async move {
                    if cx.queue() == "media" {
                        let now = running.fetch_add(1, Ordering::SeqCst) + 1;
                        most.fetch_max(now, Ordering::SeqCst);
                        _ = gate.acquire().await;
                        running.fetch_sub(1, Ordering::SeqCst);
                    }
                    Ok(())
                }
            })
            .start()
            .unwrap();
        while running.load(Ordering::SeqCst) < 3 {
            yield_now().await;
        }
        queue.enqueue_all_async(vec![task(""); 200]).await.unwrap();
        while queue.stats("default").unwrap().completed < 200 {
            yield_now().await;
        }
        assert_eq!(queue.stats("media").unwrap().completed, 0);
        gate.add_permits(40);
        while queue.stats("media").unwrap().completed < 40 {
            yield_now().await;
        }
        pool.shutdown_async(DEADLINE).await
    });
    assert_eq!(most.load(Ordering::SeqCst), 3);
    assert!(report.abandoned.is_empty() && report.error.is_none());
}
