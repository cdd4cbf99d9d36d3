//! How a pool is shut down: by its owner, by a drop, or from inside.

use std::sync::mpsc::channel;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use prismq::{Outcome, ShutdownReport, State, WorkerPool};

use crate::support::{DEADLINE, Fixture, Gate, ids, join, receive, task, wait_until};

/// Where a handler or a listener finds the pool that it shuts down.
type Slot = Arc<Mutex<Option<WorkerPool>>>;

fn shut_down(slot: &Slot) -> Option<ShutdownReport> {
    let pool = slot.lock().unwrap().take()?;
    Some(pool.shutdown(DEADLINE))
}

#[test]
fn a_handler_can_shut_its_pool_down() {
    let fixture = Fixture::new();
    let slot = Slot::default();
    let (reports, reported) = channel();
    let handlers = slot.clone();
    let pool = WorkerPool::builder(&fixture.queue)
        .workers(2)
        .handle_bytes("job", move |_, _| {
            wait_until!(handlers.lock().unwrap().is_some());
            reports.send(shut_down(&handlers)).unwrap();
            Ok(())
        })
        .start()
        .unwrap();
    *slot.lock().unwrap() = Some(pool);
    let id = fixture.enqueue("stop");
    let report = receive(&reported, "the report of the shutdown").expect("the pool is in the slot");
    assert_eq!(report.abandoned, [id], "its own handler still runs");
    wait_until!(fixture.queue.stats("default").unwrap().completed == 1);
}

#[test]
fn a_listener_can_shut_its_pool_down() {
    let fixture = Fixture::new();
    let slot = Slot::default();
    let (reports, reported) = channel();
    let listeners = slot.clone();
    let pool = WorkerPool::builder(&fixture.queue)
        .workers(2)
        .handle_bytes("job", |_, _| Ok(()))
        .on_event(move |_| {
            wait_until!(listeners.lock().unwrap().is_some());
            reports.send(shut_down(&listeners)).unwrap();
        })
        .start()
        .unwrap();
    *slot.lock().unwrap() = Some(pool);
    fixture.enqueue("stop");
    let report = receive(&reported, "the report of the shutdown").expect("the pool is in the slot");
    assert_eq!((report.stats.completed, report.abandoned.len()), (1, 0));
}

#[test]
fn a_pool_that_is_dropped_waits_for_handlers_as_long_as_it_is_set_to() {
    let fixture = Fixture::new();
    let (open, gate) = Gate::new();
    let id = fixture.enqueue("long");
    let pool = WorkerPool::builder(&fixture.queue)
        .shutdown_timeout(Duration::ZERO)
        .handle_bytes("job", gate.handler())
        .start()
        .unwrap();
    wait_until!(pool.stats().running == 1);
    drop(pool);
    assert_eq!(fixture.queue.task(id).unwrap().unwrap().state, State::Leased, "it still runs");
    drop(open);
    wait_until!(fixture.queue.stats("default").unwrap().completed == 1);
}

#[test]
fn shutdown_returns_after_the_handlers_were_dropped() {
    let fixture = Fixture::new();
    for _ in 0..50 {
        let kept = Arc::new(());
        let captured = kept.clone();
        let pool = WorkerPool::builder(&fixture.queue)
            .workers(2)
            .handle_bytes("job", move |_, _| {
                let _captured = &captured;
                Ok(())
            })
            .start()
            .unwrap();
        drop(pool.shutdown(DEADLINE));
        assert_eq!(Arc::strong_count(&kept), 1);
    }
}

#[test]
fn a_task_settled_after_the_shutdown_still_sends_its_event() {
    let fixture = Fixture::new();
    let id = fixture.enqueue("work");
    let (open, gate) = Gate::new();
    let (send, events) = channel();
    let pool = WorkerPool::builder(&fixture.queue)
        .workers(1)
        .handle_bytes("job", gate.handler())
        .on_event(move |event| send.send(event.id).unwrap())
        .start()
        .unwrap();
    wait_until!(pool.stats().running == 1);
    assert_eq!(pool.shutdown(Duration::ZERO).abandoned, [id]);
    drop(open);
    assert_eq!(receive(&events, "an event"), id);
}

#[test]
fn shutdown_waits_no_longer_than_its_timeout() {
    let fixture = Fixture::new();
    let id = fixture.enqueue("endless");
    let (open, gate) = Gate::new();
    let pool = WorkerPool::builder(&fixture.queue)
        .workers(2)
        .handle_bytes("job", gate.handler())
        .start()
        .unwrap();
    wait_until!(pool.stats().running == 1);
    let report = pool.shutdown(Duration::ZERO);
    assert_eq!(report.abandoned, [id]);
    assert_eq!(fixture.queue.task(id).unwrap().unwrap().state, State::Leased);

    // Its result still counts if it ends within its lease.
    open.send(()).unwrap();
    wait_until!(fixture.queue.stats("default").unwrap().completed == 1);
}

#[test]
fn shutdown_releases_tasks_that_no_worker_started() {
    let fixture = Fixture::new();
    let queue = &fixture.queue;
    let ids = ids(queue.enqueue_all(vec![task(""); 3]).unwrap());
    let (send_start, starts) = channel();
    let (open, gate) = Gate::new();
    let (send, events) = channel();
    let pool = WorkerPool::builder(queue)
        .workers(1)
        .handle_bytes("job", move |_, task| {
            send_start.send(task.id()).unwrap();
            gate.pass();
            Ok(())
        })
        .on_event(move |event| send.send((event.id, event.outcome)).unwrap())
        .start()
        .unwrap();
    assert_eq!(receive(&starts, "the start of a handler"), ids[0]);
    let stopping = std::thread::spawn(move || pool.shutdown(DEADLINE));
    wait_until!(queue.stats("default").unwrap().leased == 1);
    drop(open);
    let report = join(stopping, "the shutdown");

    // A second one may have started before the pool was stopping.
    let completed = starts.try_iter().count() as u64 + 1;
    assert_eq!(report.stats.completed, completed);
    let events = events.try_iter().filter(|(_, outcome)| *outcome == Outcome::Completed);
    assert_eq!(events.count() as u64, completed);
    let left: Vec<_> = ids.iter().filter_map(|id| queue.task(*id).unwrap()).collect();
    assert_eq!(left.len() as u64 + completed, 3);
    for stored in left {
        assert_eq!((stored.state, stored.attempt), (State::Ready, 0));
    }
}

#[test]
fn dropping_a_pool_shuts_it_down() {
    let fixture = Fixture::new();
    fixture.enqueue("last");
    let (send_start, starts) = channel();
    let pool = WorkerPool::builder(&fixture.queue)
        .workers(1)
        .handle_bytes("job", move |_, _| {
            send_start.send(()).unwrap();
            Ok(())
        })
        .start()
        .unwrap();
    receive(&starts, "the start of a handler");
    drop(pool);
    let stats = fixture.queue.stats("default").unwrap();
    assert_eq!((stats.completed, stats.leased), (1, 0));
    fixture.enqueue("after it");
    assert_eq!(fixture.claimed(1), ["after it"]);
}
