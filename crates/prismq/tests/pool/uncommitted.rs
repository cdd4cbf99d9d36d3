//! Shutdown while another process holds the write lock: what could not be committed is reported, and is not lost.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::channel;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use prismq::{Queue, ShutdownReport, State, TaskId, WorkerPool};

use crate::support::{DEADLINE, Fixture, Gate, ids, lock, receive, task, wait_until};

/// A queue that waits longer for the write lock than a test holds it.
fn patient(fixture: &Fixture) -> Queue {
    Queue::builder(fixture.path()).clock(fixture.clock.clone()).busy_wait(DEADLINE).open().unwrap()
}

/// A pool with one task whose handler waits at the gate.
fn one_running(queue: &Queue, gate: Gate) -> WorkerPool {
    let pool =
        WorkerPool::builder(queue).workers(2).handle_bytes("job", gate.handler()).start().unwrap();
    wait_until!(pool.stats().running == 1);
    pool
}

#[test]
fn shutdown_reports_results_it_could_not_commit() {
    let fixture = Fixture::new();
    let queue = patient(&fixture);
    let id = queue.enqueue(task("work")).unwrap().id();
    let (open, gate) = Gate::new();
    let pool = one_running(&queue, gate);
    let other = lock(&fixture.path());
    drop(open);
    wait_until!(pool.stats().unsettled == 1);
    // The commit waits for the write lock far longer.
    let report = pool.shutdown(Duration::from_millis(1));
    assert_eq!((&report.unsettled[..], &report.abandoned[..]), (&[id][..], &[][..]));
    other.execute_batch("COMMIT").unwrap();
    wait_until!(queue.stats("default").unwrap().completed == 1);
}

#[test]
fn an_uncommitted_result_survives_dropping_pool_and_queue() {
    let fixture = Fixture::new();
    let queue = patient(&fixture);
    queue.enqueue(task("work")).unwrap();
    let (open, gate) = Gate::new();
    let pool = one_running(&queue, gate);
    let other = lock(&fixture.path());
    drop(open);
    wait_until!(pool.stats().unsettled == 1);
    drop(pool.shutdown(Duration::ZERO));
    drop(queue);
    other.execute_batch("COMMIT").unwrap();
    wait_until!(fixture.queue.stats("default").unwrap().completed == 1);
}

/// Shuts a pool down that has prefetched tasks it cannot release, if it still has some by then: the ids of the
/// tasks after the first one, and the report.
fn shut_down_holding() -> Option<(Vec<TaskId>, ShutdownReport)> {
    let fixture = Fixture::new();
    let queue = patient(&fixture);
    let (open, gate) = Gate::new();
    let pool = WorkerPool::builder(&queue)
        .workers(1)
        .handle_bytes("job", move |payload, _| {
            if payload == b"slow" {
                gate.pass();
            }
            Ok(())
        })
        .start()
        .unwrap();
    // As these are quick, the pool prefetches.
    queue.enqueue_all(vec![task("quick"); 50]).unwrap();
    wait_until!(pool.stats().completed == 50);
    let mut tasks = vec![task("slow")];
    tasks.resize(9, task("next"));
    let ids = ids(queue.enqueue_all(&tasks).unwrap());
    wait_until!({
        let stats = pool.stats();
        (stats.running == 1 && stats.ready > 0) || stats.released > 0
    });
    let other = lock(&fixture.path());
    let report = pool.shutdown(Duration::from_millis(1));
    assert_eq!((&report.abandoned[..], &report.unsettled[..]), (&ids[..1], &[][..]));
    for id in &report.held {
        assert_eq!(queue.task(*id).unwrap().unwrap().state, State::Leased);
    }
    other.execute_batch("COMMIT").unwrap();
    drop(open);
    wait_until!(queue.stats("default").unwrap().ready == 8);
    let held = !report.held.is_empty();
    held.then(|| (ids[1..].to_vec(), report))
}

#[test]
fn shutdown_reports_tasks_it_could_not_release() {
    // Once the first has run for long, the pool releases the others: the lock may come too late.
    let (ids, report) = (0..100).find_map(|_| shut_down_holding()).unwrap();
    let mut held = report.held;
    held.sort_unstable();
    assert!(held.iter().all(|id| ids.contains(id)), "{held:?}");
    held.dedup();
    assert!(held.len() > 1, "{held:?} of {ids:?}");
}

#[test]
fn a_handler_that_shuts_its_pool_down_waits_for_other_results() {
    let fixture = Fixture::new();
    let queue = patient(&fixture);
    let slot: Arc<Mutex<Option<WorkerPool>>> = Arc::default();
    let (reports, reported) = channel();
    let handlers = slot.clone();
    let taken = Arc::new(AtomicBool::new(false));
    let take = taken.clone();
    let pool = WorkerPool::builder(&queue)
        .workers(2)
        .handle_bytes("job", move |payload, _| {
            if payload == b"stop" {
                wait_until!(handlers.lock().unwrap().is_some());
                let pool = handlers.lock().unwrap().take().unwrap();
                take.store(true, Ordering::SeqCst);
                reports.send(pool.shutdown(DEADLINE * 2)).unwrap();
            } else {
                wait_until!(take.load(Ordering::SeqCst));
            }
            Ok(())
        })
        .start()
        .unwrap();
    queue.enqueue_all([task("stop"), task("other")]).unwrap();
    wait_until!(pool.stats().running == 2);
    let other = lock(&fixture.path());
    *slot.lock().unwrap() = Some(pool);
    wait_until!(taken.load(Ordering::SeqCst));
    // It waits for the write lock by now or soon.
    (0..1000).for_each(|_| std::thread::yield_now());
    other.execute_batch("COMMIT").unwrap();
    let report = receive(&reported, "the report of the shutdown");
    assert_eq!((report.stats.completed, report.abandoned.len()), (1, 1));
}
