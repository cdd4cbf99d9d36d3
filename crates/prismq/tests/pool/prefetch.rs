//! How many tasks a pool leases ahead of its workers, and which it releases.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use prismq::{Queue, WorkerPool};

use crate::support::{DEADLINE, Fixture, Gate, task, wait_until};

const WORKERS: usize = 2;

/// A pool of quick and slow handlers; the slow ones wait at the gate.
fn pool(queue: &Queue, gate: &Gate) -> WorkerPool {
    let gate = gate.clone();
    WorkerPool::builder(queue)
        .workers(WORKERS)
        .handle_bytes("job", move |payload, _| {
            if payload == b"slow" {
                gate.pass();
            }
            Ok(())
        })
        .start()
        .unwrap()
}

/// A pool that ran quick tasks and has prefetched slow ones, of which its workers run the first.
fn after_quick_tasks(fixture: &Fixture, gate: &Gate) -> WorkerPool {
    let first = pool(&fixture.queue, gate);
    fixture.queue.enqueue_all(vec![task("quick"); 5000]).unwrap();
    wait_until!(first.stats().completed == 5000);
    fixture.queue.enqueue_all(vec![task("slow"); 100]).unwrap();
    wait_until!(first.stats().running == WORKERS);
    first
}

#[test]
fn prefetched_tasks_go_to_another_pool_once_handlers_prove_slow() {
    let fixture = Fixture::new();
    let (open, gate) = Gate::new();
    let (open_others, others_gate) = Gate::new();
    let first = after_quick_tasks(&fixture, &gate);
    let second = pool(&fixture.another_handle(), &others_gate);
    wait_until!(first.stats().ready == 0 && second.stats().running == WORKERS);
    // The release is committed a moment later. Then each pool leases what it runs.
    wait_until!(fixture.queue.stats("default").unwrap().leased == 2 * WORKERS as u64);

    // The first pool's handlers still run, and the second one does all the rest.
    drop(open_others);
    wait_until!(second.stats().completed == 98);
    drop(open);
    for pool in [first, second] {
        let report = pool.shutdown(DEADLINE);
        assert!(report.error.is_none() && report.abandoned.is_empty(), "{report:?}");
    }
    let stats = fixture.queue.stats("default").unwrap();
    assert_eq!((stats.completed, stats.failed, stats.reclaimed), (5100, 0, 0));
}

#[test]
fn an_urgent_task_waits_for_one_handler_at_most() {
    let fixture = Fixture::new();
    let (open, gate) = Gate::new();
    let order = Arc::new(AtomicUsize::new(usize::MAX));
    let (seen, started) = (order.clone(), Arc::new(AtomicUsize::new(0)));
    let pool = WorkerPool::builder(&fixture.queue)
        .workers(1)
        .handle_bytes("job", move |payload, _| {
            let number = started.fetch_add(1, Ordering::SeqCst);
            match &*payload {
                b"slow" => gate.pass(),
                b"urgent" => seen.store(number, Ordering::SeqCst),
                _ => {}
            }
            Ok(())
        })
        .start()
        .unwrap();
    fixture.queue.enqueue_all(vec![task("quick"); 2000]).unwrap();
    wait_until!(pool.stats().completed == 2000);
    fixture.queue.enqueue_all(vec![task("slow"); 50]).unwrap();
    // What was prefetched, as those before were quick, is released.
    wait_until!(pool.stats().released > 0 && pool.stats().ready == 0);
    assert_eq!(pool.stats().running, 1);
    fixture.queue.enqueue(task("urgent").priority(0)).unwrap();
    open.send(()).unwrap();
    wait_until!(order.load(Ordering::SeqCst) != usize::MAX);
    assert_eq!(order.load(Ordering::SeqCst), 2001, "after the one that ran");
    drop(open);
    assert!(pool.shutdown(DEADLINE).error.is_none());
}

#[test]
fn prefetched_tasks_are_released_when_the_queue_is_paused() {
    let fixture = Fixture::new();
    let (open, gate) = Gate::new();
    let pool = after_quick_tasks(&fixture, &gate);
    fixture.queue.pause("default").unwrap();
    wait_until!(fixture.queue.stats("default").unwrap().leased == WORKERS as u64);
    drop(open);
    wait_until!(pool.stats().running == 0 && pool.stats().unsettled == 0);
    let stats = fixture.queue.stats("default").unwrap();
    assert_eq!((stats.ready, stats.leased), (98, 0), "no other task is started");
    fixture.queue.resume("default").unwrap();
    wait_until!(pool.stats().completed == 5100);
}

#[test]
fn without_prefetch_a_pool_leases_only_what_it_runs() {
    let fixture = Fixture::new();
    let (open, gate) = Gate::new();
    let pool = WorkerPool::builder(&fixture.queue)
        .workers(WORKERS)
        .prefetch(0)
        .handle_bytes("job", gate.handler())
        .start()
        .unwrap();
    for _ in 0..50 {
        open.send(()).unwrap();
    }
    fixture.queue.enqueue_all(vec![task("quick"); 80]).unwrap();
    wait_until!(pool.stats().completed == 50 && pool.stats().running == WORKERS);
    let stats = fixture.queue.stats("default").unwrap();
    assert_eq!((stats.leased, stats.ready), (WORKERS as u64, 28));
    drop(open);
    wait_until!(pool.stats().completed == 80);
}

/// Quick handlers, for which a pool prefetches as much as it may, then slow ones.
#[test]
fn a_pool_leases_at_most_its_workers_and_prefetch() {
    const PREFETCH: usize = 5;
    let fixture = Fixture::new();
    let queue = &fixture.queue;
    let (open, gate) = Gate::new();
    let pool = WorkerPool::builder(queue)
        .workers(WORKERS)
        .prefetch(PREFETCH)
        .handle_bytes("job", move |payload, _| {
            if payload == b"slow" {
                gate.pass();
            }
            Ok(())
        })
        .start()
        .unwrap();
    queue.enqueue_all(vec![task("quick"); 200]).unwrap();
    wait_until!(pool.stats().completed == 200);
    queue.enqueue_all(vec![task("slow"); 100]).unwrap();
    wait_until!(pool.stats().running == WORKERS);
    let leased = queue.stats("default").unwrap().leased;
    assert!(leased <= (WORKERS + PREFETCH) as u64, "{leased} are leased");
    drop(open);
    assert!(pool.shutdown(DEADLINE).error.is_none());
}
