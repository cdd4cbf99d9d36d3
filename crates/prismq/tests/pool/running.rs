//! Which tasks a pool runs, how often, and how many at once.

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::mpsc::channel;
use std::sync::{Arc, Mutex};

use prismq::{NewTask, Outcome, WorkerPool};

use crate::support::{DEADLINE, Fixture, LEASE, ids, receive, task, wait_until};

#[test]
fn as_many_tasks_run_at_once_as_there_are_workers() {
    const WORKERS: usize = 4;
    let fixture = Fixture::new();
    let arrived = Arc::new(AtomicUsize::new(0));
    let seen = arrived.clone();
    let pool = WorkerPool::builder(&fixture.queue)
        .workers(WORKERS)
        .handle_bytes("job", move |_, _| {
            // The last of a round lets the others go.
            let round = seen.fetch_add(1, Ordering::SeqCst) / WORKERS;
            wait_until!(seen.load(Ordering::SeqCst) >= (round + 1) * WORKERS);
            Ok(())
        })
        .start()
        .unwrap();
    for round in 1..=20 {
        fixture.queue.enqueue_all(vec![task(""); WORKERS]).unwrap();
        wait_until!(pool.stats().completed == (round * WORKERS) as u64);
    }
    assert_eq!(arrived.load(Ordering::SeqCst), 20 * WORKERS);
}

#[test]
fn a_prefetched_task_whose_lease_expired_does_not_run() {
    let fixture = Fixture::new();
    let (queue, clock) = (fixture.another_handle(), fixture.clock.clone());
    let ran = Arc::new(AtomicUsize::new(0));
    let runs = ran.clone();
    let stopped = AtomicBool::new(false);
    fixture.queue.enqueue_all(vec![task("quick"); 50]).unwrap();
    let pool = WorkerPool::builder(&fixture.queue)
        .workers(1)
        .lease(LEASE)
        .handle_bytes("job", move |payload, _| {
            // As if the process had been stopped for longer than a lease.
            if payload == b"stop" {
                if stopped.swap(true, Ordering::SeqCst) {
                    return Ok(());
                }
                // Those after it are prefetched, and released after a short time.
                let prefetched = || queue.stats("default").unwrap().leased > 1;
                _ = (0..10_000).find(|_| prefetched());
                clock.advance(LEASE * 2);
            } else {
                runs.fetch_add(1, Ordering::SeqCst);
            }
            Ok(())
        })
        .start()
        .unwrap();
    wait_until!(pool.stats().completed == 50);
    let mut tasks = vec![task("stop").priority(0)];
    tasks.extend(vec![task("prefetched"); 20]);
    fixture.queue.enqueue_all(&tasks).unwrap();
    wait_until!(fixture.queue.stats("default").unwrap().completed == 71);
    assert!(pool.shutdown(DEADLINE).error.is_none());
    assert_eq!(ran.load(Ordering::SeqCst), 70, "each once");
}

#[test]
fn a_pool_completes_every_task_once() {
    let fixture = Fixture::new();
    let queue = &fixture.queue;
    let mut ids = ids(queue.enqueue_all(vec![task("before"); 500]).unwrap());
    let runs: Arc<Mutex<HashMap<_, u32>>> = Arc::default();
    let completed = Arc::new(Mutex::new(Vec::new()));
    let (counted, reported) = (runs.clone(), completed.clone());
    let pool = WorkerPool::builder(queue)
        .workers(8)
        .prefetch(50)
        .handle_bytes("job", move |_, task| {
            *counted.lock().unwrap().entry(task.id()).or_default() += 1;
            Ok(())
        })
        .on_event(move |event| {
            assert_eq!(event.outcome, Outcome::Completed);
            reported.lock().unwrap().push(event.id);
        })
        .start()
        .unwrap();
    for _ in 0..500 {
        ids.push(fixture.enqueue("while it runs"));
    }
    wait_until!(queue.stats("default").unwrap().completed == 1000);
    let report = pool.shutdown(DEADLINE);

    assert_eq!(report.stats.completed, 1000);
    assert_eq!(report.stats.per_worker.iter().sum::<u64>(), 1000);
    assert!(report.abandoned.is_empty() && report.error.is_none());
    let runs = runs.lock().unwrap();
    assert_eq!(runs.len(), 1000);
    assert!(runs.values().all(|count| *count == 1));
    let mut completed = completed.lock().unwrap().clone();
    completed.sort();
    assert_eq!(completed, ids);
}

/// Failure mode: handler: panics | a failed attempt of its own task
#[test]
fn a_panic_fails_only_its_own_task() {
    let fixture = Fixture::new();
    let bad = fixture.enqueue("bad");
    let good = fixture.enqueue("good");
    let (send, events) = channel();
    let _pool = WorkerPool::builder(&fixture.queue)
        .workers(1)
        .handle_bytes("job", |payload, _| {
            assert_ne!(payload, b"bad", "this one is broken");
            Ok(())
        })
        .on_event(move |event| send.send((event.id, event.outcome)).unwrap())
        .start()
        .unwrap();
    assert_eq!(receive(&events, "an event"), (bad, Outcome::Retried));
    assert_eq!(receive(&events, "an event"), (good, Outcome::Completed));
    let error = fixture.queue.task(bad).unwrap().unwrap().error.unwrap();
    assert!(error.contains("panicked") && error.contains("this one is broken"), "{error}");
}

#[test]
fn types_without_a_handler_are_not_claimed() {
    let fixture = Fixture::new();
    fixture.queue.enqueue(NewTask::new("other", []).priority(0)).unwrap();
    fixture.enqueue("handled");
    let pool = WorkerPool::builder(&fixture.queue)
        .workers(2)
        .handle_bytes("job", |_, _| Ok(()))
        .start()
        .unwrap();
    wait_until!(fixture.queue.stats("default").unwrap().completed == 1);
    pool.shutdown(DEADLINE);
    let stats = fixture.queue.stats("default").unwrap();
    assert_eq!((stats.ready, stats.leased), (1, 0));
}
