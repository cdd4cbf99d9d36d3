use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use prismq::{Queue, WorkerPool};

use super::{Gate, PATIENCE};
use crate::support::{Fixture, task, wait_until};

const WORKERS: usize = 2;

/// A pool of quick and slow handlers; the slow ones wait at the gate.
fn pool(queue: &Queue, gate: &Gate) -> WorkerPool {
    let gate = gate.clone();
    WorkerPool::builder(queue)
        .workers(WORKERS)
        .handler("job", move |task| {
            if task.payload() == b"slow" {
                gate.pass();
            }
            Ok(())
        })
        .start()
        .unwrap()
}

/// A pool that ran quick tasks and now holds slow ones that its workers do not come to.
fn after_quick_tasks(fixture: &Fixture, gate: &Gate) -> WorkerPool {
    let first = pool(&fixture.queue, gate);
    fixture.queue.enqueue_all(&vec![task("quick"); 5000]).unwrap();
    wait_until(|| first.stats().completed == 5000);
    fixture.queue.enqueue_all(&vec![task("slow"); 100]).unwrap();
    wait_until(|| first.stats().running == WORKERS);
    first
}

#[test]
fn tasks_claimed_for_quick_handlers_go_to_another_pool_once_they_prove_slow() {
    let fixture = Fixture::new();
    let (open, gate) = Gate::new();
    let (open_others, others_gate) = Gate::new();
    let first = after_quick_tasks(&fixture, &gate);
    let second = pool(&fixture.another_handle(), &others_gate);
    wait_until(|| first.stats().ready == 0 && second.stats().running == WORKERS);
    // What was given back is committed a moment later. Then each pool holds what it runs.
    wait_until(|| fixture.queue.stats("default").unwrap().leased == 2 * WORKERS as u64);

    // The first pool's handlers still run, and the second one does all the rest.
    drop(open_others);
    wait_until(|| second.stats().completed == 98);
    drop(open);
    for pool in [first, second] {
        let report = pool.shutdown(PATIENCE);
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
    let (seen, begun) = (order.clone(), Arc::new(AtomicUsize::new(0)));
    let pool = WorkerPool::builder(&fixture.queue)
        .workers(1)
        .handler("job", move |task| {
            let number = begun.fetch_add(1, Ordering::SeqCst);
            match task.payload() {
                b"slow" => gate.pass(),
                b"urgent" => seen.store(number, Ordering::SeqCst),
                _ => {}
            }
            Ok(())
        })
        .start()
        .unwrap();
    fixture.queue.enqueue_all(&vec![task("quick"); 2000]).unwrap();
    wait_until(|| pool.stats().completed == 2000);
    fixture.queue.enqueue_all(&vec![task("slow"); 50]).unwrap();
    // What was claimed ahead, as those before were quick, goes back.
    wait_until(|| pool.stats().released > 0 && pool.stats().ready == 0);
    assert_eq!(pool.stats().running, 1);
    fixture.queue.enqueue(&task("urgent").priority(0)).unwrap();
    open.send(()).unwrap();
    wait_until(|| order.load(Ordering::SeqCst) != usize::MAX);
    assert_eq!(order.load(Ordering::SeqCst), 2001, "after the one that ran");
    drop(open);
    assert!(pool.shutdown(PATIENCE).error.is_none());
}

#[test]
fn a_paused_queue_gets_back_what_a_pool_holds() {
    let fixture = Fixture::new();
    let (open, gate) = Gate::new();
    let pool = after_quick_tasks(&fixture, &gate);
    fixture.queue.pause("default").unwrap();
    wait_until(|| fixture.queue.stats("default").unwrap().leased == WORKERS as u64);
    drop(open);
    wait_until(|| pool.stats().running == 0 && pool.stats().unsettled == 0);
    let stats = fixture.queue.stats("default").unwrap();
    assert_eq!((stats.ready, stats.leased), (98, 0), "nothing more is begun");
    fixture.queue.resume("default").unwrap();
    wait_until(|| pool.stats().completed == 5100);
}

#[test]
fn without_prefetch_a_pool_holds_only_what_it_runs() {
    let fixture = Fixture::new();
    let (open, gate) = Gate::new();
    let pool = WorkerPool::builder(&fixture.queue)
        .workers(WORKERS)
        .prefetch(0)
        .handler("job", move |_| {
            gate.pass();
            Ok(())
        })
        .start()
        .unwrap();
    for _ in 0..50 {
        open.send(()).unwrap();
    }
    fixture.queue.enqueue_all(&vec![task("quick"); 80]).unwrap();
    wait_until(|| pool.stats().completed == 50 && pool.stats().running == WORKERS);
    let stats = fixture.queue.stats("default").unwrap();
    assert_eq!((stats.leased, stats.ready), (WORKERS as u64, 28));
    drop(open);
    wait_until(|| pool.stats().completed == 80);
}
