use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::channel;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use prismq::{Queue, ShutdownReport, State, TaskId, WorkerPool};
use rusqlite::Connection;

use super::{Gate, PATIENCE};
use crate::support::{Fixture, task, wait_until};

/// A queue that waits for the write lock for as long as it takes.
fn patient(fixture: &Fixture) -> Queue {
    Queue::builder(fixture.path()).clock(fixture.clock.clone()).busy_wait(PATIENCE).open().unwrap()
}

/// The write lock of the queue's file, as another process would hold it.
fn lock(fixture: &Fixture) -> Connection {
    let other = Connection::open(fixture.path()).unwrap();
    other.execute_batch("BEGIN IMMEDIATE").unwrap();
    other
}

/// A pool with one task whose handler waits at the gate.
fn one_running(queue: &Queue, gate: Gate) -> WorkerPool {
    let pool = WorkerPool::builder(queue)
        .workers(2)
        .handler("job", move |_| {
            gate.pass();
            Ok(())
        })
        .start()
        .unwrap();
    wait_until(|| pool.stats().running == 1);
    pool
}

#[test]
fn a_result_that_cannot_be_written_holds_up_no_shutdown_and_is_named() {
    let fixture = Fixture::new();
    let queue = patient(&fixture);
    let id = queue.enqueue(&task("work")).unwrap();
    let (open, gate) = Gate::new();
    let pool = one_running(&queue, gate);
    let other = lock(&fixture);
    drop(open);
    wait_until(|| pool.stats().unsettled == 1);
    // It would wait for the write lock for a minute.
    let report = pool.shutdown(Duration::from_millis(1));
    assert_eq!((&report.unsettled[..], &report.abandoned[..]), (&[id][..], &[][..]));
    other.execute_batch("COMMIT").unwrap();
    wait_until(|| queue.stats("default").unwrap().completed == 1);
}

#[test]
fn dropping_a_queue_after_such_a_shutdown_loses_no_result() {
    let fixture = Fixture::new();
    let queue = patient(&fixture);
    queue.enqueue(&task("work")).unwrap();
    let (open, gate) = Gate::new();
    let pool = one_running(&queue, gate);
    let other = lock(&fixture);
    drop(open);
    wait_until(|| pool.stats().unsettled == 1);
    drop(pool.shutdown(Duration::ZERO));
    drop(queue);
    other.execute_batch("COMMIT").unwrap();
    wait_until(|| fixture.queue.stats("default").unwrap().completed == 1);
}

/// Shuts a pool down that holds tasks it cannot give back, if it still holds some by then: the tasks behind the
/// first one, and what the report says.
fn shut_down_holding() -> Option<(Vec<TaskId>, ShutdownReport)> {
    let fixture = Fixture::new();
    let queue = patient(&fixture);
    let (open, gate) = Gate::new();
    let pool = WorkerPool::builder(&queue)
        .workers(1)
        .handler("job", move |task| {
            if task.payload() == b"slow" {
                gate.pass();
            }
            Ok(())
        })
        .start()
        .unwrap();
    // As they are quick, the pool claims ahead.
    queue.enqueue_all(&vec![task("quick"); 50]).unwrap();
    wait_until(|| pool.stats().completed == 50);
    let mut tasks = vec![task("slow")];
    tasks.resize(9, task("behind"));
    let ids = queue.enqueue_all(&tasks).unwrap();
    wait_until(|| {
        let stats = pool.stats();
        (stats.running == 1 && stats.ready > 0) || stats.released > 0
    });
    let other = lock(&fixture);
    let report = pool.shutdown(Duration::from_millis(1));
    assert_eq!((&report.abandoned[..], &report.unsettled[..]), (&ids[..1], &[][..]));
    for id in &report.held {
        assert_eq!(queue.task(*id).unwrap().unwrap().state, State::Leased);
    }
    other.execute_batch("COMMIT").unwrap();
    drop(open);
    wait_until(|| queue.stats("default").unwrap().ready == 8);
    let held = !report.held.is_empty();
    held.then(|| (ids[1..].to_vec(), report))
}

#[test]
fn tasks_that_cannot_be_given_back_hold_up_no_shutdown_and_are_named() {
    // Once the first has run for long, the pool gives them back: the lock may come too late.
    let (ids, report) = (0..100).find_map(|_| shut_down_holding()).unwrap();
    let mut held = report.held;
    held.sort_unstable();
    assert!(held.iter().all(|id| ids.contains(id)), "{held:?}");
    held.dedup();
    assert!(held.len() > 1, "{held:?} of {ids:?}");
}

/// Where a handler or a listener finds the pool that it shuts down.
type Slot = Arc<Mutex<Option<WorkerPool>>>;

fn shut_down(slot: &Slot) -> Option<ShutdownReport> {
    let pool = slot.lock().unwrap().take()?;
    Some(pool.shutdown(PATIENCE))
}

#[test]
fn a_handler_can_shut_its_pool_down() {
    let fixture = Fixture::new();
    let slot = Slot::default();
    let (reports, reported) = channel();
    let handlers = slot.clone();
    let pool = WorkerPool::builder(&fixture.queue)
        .workers(2)
        .handler("job", move |_| {
            wait_until(|| handlers.lock().unwrap().is_some());
            reports.send(shut_down(&handlers)).unwrap();
            Ok(())
        })
        .start()
        .unwrap();
    *slot.lock().unwrap() = Some(pool);
    let id = fixture.enqueue("stop");
    let report = reported.recv_timeout(PATIENCE).unwrap().expect("it has the pool");
    assert_eq!(report.abandoned, [id], "its own handler still runs");
    wait_until(|| fixture.queue.stats("default").unwrap().completed == 1);
}

#[test]
fn a_listener_can_shut_its_pool_down() {
    let fixture = Fixture::new();
    let slot = Slot::default();
    let (reports, reported) = channel();
    let listeners = slot.clone();
    let pool = WorkerPool::builder(&fixture.queue)
        .workers(2)
        .handler("job", |_| Ok(()))
        .on_event(move |_| {
            wait_until(|| listeners.lock().unwrap().is_some());
            reports.send(shut_down(&listeners)).unwrap();
        })
        .start()
        .unwrap();
    *slot.lock().unwrap() = Some(pool);
    fixture.enqueue("stop");
    let report = reported.recv_timeout(PATIENCE).unwrap().expect("it has the pool");
    assert_eq!((report.stats.completed, report.abandoned.len()), (1, 0));
}

#[test]
fn a_handler_that_shuts_its_pool_down_waits_for_the_results_of_others() {
    let fixture = Fixture::new();
    let queue = patient(&fixture);
    let slot = Slot::default();
    let (reports, reported) = channel();
    let handlers = slot.clone();
    let taken = Arc::new(AtomicBool::new(false));
    let take = taken.clone();
    let pool = WorkerPool::builder(&queue)
        .workers(2)
        .handler("job", move |task| {
            if task.payload() == b"stop" {
                wait_until(|| handlers.lock().unwrap().is_some());
                let pool = handlers.lock().unwrap().take().unwrap();
                take.store(true, Ordering::SeqCst);
                reports.send(pool.shutdown(PATIENCE * 2)).unwrap();
            } else {
                wait_until(|| take.load(Ordering::SeqCst));
            }
            Ok(())
        })
        .start()
        .unwrap();
    queue.enqueue_all(&[task("stop"), task("other")]).unwrap();
    wait_until(|| pool.stats().running == 2);
    let other = lock(&fixture);
    *slot.lock().unwrap() = Some(pool);
    wait_until(|| taken.load(Ordering::SeqCst));
    // It waits for the write lock by now or soon.
    (0..1000).for_each(|_| std::thread::yield_now());
    other.execute_batch("COMMIT").unwrap();
    let report = reported.recv_timeout(PATIENCE).unwrap();
    assert_eq!((report.stats.completed, report.abandoned.len()), (1, 1));
}

#[test]
fn nothing_of_a_pool_is_left_once_its_shutdown_returns() {
    let fixture = Fixture::new();
    for _ in 0..50 {
        let kept = Arc::new(());
        let handlers = kept.clone();
        let pool = WorkerPool::builder(&fixture.queue)
            .workers(2)
            .handler("job", move |_| {
                let _kept = &handlers;
                Ok(())
            })
            .start()
            .unwrap();
        drop(pool.shutdown(PATIENCE));
        assert_eq!(Arc::strong_count(&kept), 1);
    }
}

#[test]
fn a_listener_hears_of_a_task_that_is_settled_after_the_shutdown() {
    let fixture = Fixture::new();
    let id = fixture.enqueue("work");
    let (open, gate) = Gate::new();
    let (events, heard) = channel();
    let pool = WorkerPool::builder(&fixture.queue)
        .workers(1)
        .handler("job", move |_| {
            gate.pass();
            Ok(())
        })
        .on_event(move |event| events.send(event.id).unwrap())
        .start()
        .unwrap();
    wait_until(|| pool.stats().running == 1);
    assert_eq!(pool.shutdown(Duration::ZERO).abandoned, [id]);
    drop(open);
    assert_eq!(heard.recv_timeout(PATIENCE), Ok(id));
}
