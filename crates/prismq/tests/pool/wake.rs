//! What wakes an idle pool.

use std::sync::mpsc::channel;

use prismq::WorkerPool;

use crate::support::{DEADLINE, Fixture, Gate, receive, task, wait_until};

/// A pool whose handlers were quick wakes no second worker for a second task; here the first task waits for
/// that second one.
#[test]
fn a_slow_task_among_quick_ones_delays_no_other() {
    let fixture = Fixture::new();
    let queue = &fixture.queue;
    let (open, gate) = Gate::new();
    let pool = WorkerPool::builder(queue)
        .workers(2)
        .handle_bytes("job", move |payload, _| {
            match &*payload {
                b"slow" => gate.pass(),
                b"next" => open.send(())?,
                _ => {}
            }
            Ok(())
        })
        .start()
        .unwrap();
    let mut settled = 0;
    for _ in 0..20 {
        for tasks in [vec![task("quick"); 200], vec![task("slow"), task("next")]] {
            queue.enqueue_all(&tasks).unwrap();
            settled += tasks.len() as u64;
            wait_until!({
                let stats = pool.stats();
                stats.completed + stats.retried == settled
            });
        }
    }
    assert_eq!(pool.shutdown(DEADLINE).stats.retried, 0);
}

#[test]
fn an_enqueue_by_another_handle_wakes_an_idle_pool() {
    let fixture = Fixture::new();
    let (send, events) = channel();
    let _pool = WorkerPool::builder(&fixture.queue)
        .workers(2)
        .handle_bytes("job", |_, _| Ok(()))
        .on_event(move |event| send.send(event.id).unwrap())
        .start()
        .unwrap();
    wait_until!(fixture.queue.contention().empty_claims > 0);
    let id = fixture.another_handle().enqueue(task("from outside")).unwrap().id();
    assert_eq!(receive(&events, "an event"), id);
}

#[test]
fn an_idle_pool_writes_nothing() {
    let fixture = Fixture::new();
    fixture.enqueue("one");
    let pool = WorkerPool::builder(&fixture.queue)
        .workers(10)
        .handle_bytes("job", |_, _| Ok(()))
        .start()
        .unwrap();
    wait_until!(fixture.queue.stats("default").unwrap().completed == 1);
    // One transaction enqueued it, one claimed it, one completed it: looking for more takes none.
    pool.shutdown(DEADLINE);
    assert_eq!(fixture.queue.contention().write_transactions, 3);
}
