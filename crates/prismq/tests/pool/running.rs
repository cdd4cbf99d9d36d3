use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use prismq::WorkerPool;

use super::PATIENCE;
use crate::support::{Fixture, LEASE, task, wait_until};

#[test]
fn tasks_that_wait_for_each_other_run_at_the_same_time() {
    const WORKERS: usize = 4;
    let fixture = Fixture::new();
    let arrived = Arc::new(AtomicUsize::new(0));
    let seen = arrived.clone();
    let pool = WorkerPool::builder(&fixture.queue)
        .workers(WORKERS)
        .handler("job", move |_| {
            // The last of a round lets the others go.
            let round = seen.fetch_add(1, Ordering::SeqCst) / WORKERS;
            wait_until(|| seen.load(Ordering::SeqCst) >= (round + 1) * WORKERS);
            Ok(())
        })
        .start()
        .unwrap();
    for round in 1..=20 {
        fixture.queue.enqueue_all(&vec![task(""); WORKERS]).unwrap();
        wait_until(|| pool.stats().completed == (round * WORKERS) as u64);
    }
    assert_eq!(arrived.load(Ordering::SeqCst), 20 * WORKERS);
}

#[test]
fn a_task_that_was_held_beyond_its_lease_does_not_run_under_it() {
    let fixture = Fixture::new();
    let (queue, clock) = (fixture.another_handle(), fixture.clock.clone());
    let ran = Arc::new(AtomicUsize::new(0));
    let runs = ran.clone();
    let stopped = AtomicBool::new(false);
    fixture.queue.enqueue_all(&vec![task("quick"); 50]).unwrap();
    let pool = WorkerPool::builder(&fixture.queue)
        .workers(1)
        .lease(LEASE)
        .handler("job", move |task| {
            // As if the process had been stopped for longer than its leases.
            if task.payload() == b"stop" {
                if stopped.swap(true, Ordering::SeqCst) {
                    return Ok(());
                }
                // Those after it are claimed ahead, and held for a short time.
                let held = || queue.stats("default").unwrap().leased > 1;
                _ = (0..10_000).find(|_| held());
                clock.advance(LEASE * 2);
            } else {
                runs.fetch_add(1, Ordering::SeqCst);
            }
            Ok(())
        })
        .start()
        .unwrap();
    wait_until(|| pool.stats().completed == 50);
    let mut tasks = vec![task("stop").priority(0)];
    tasks.extend(vec![task("held"); 20]);
    fixture.queue.enqueue_all(&tasks).unwrap();
    wait_until(|| fixture.queue.stats("default").unwrap().completed == 71);
    assert!(pool.shutdown(PATIENCE).error.is_none());
    assert_eq!(ran.load(Ordering::SeqCst), 70, "each once");
}
