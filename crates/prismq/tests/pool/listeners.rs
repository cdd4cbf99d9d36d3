use std::sync::Mutex;
use std::sync::mpsc::{TryRecvError, channel};

use prismq::WorkerPool;

use super::{Gate, PATIENCE};
use crate::support::{Fixture, LEASE, task, wait_until};

#[test]
fn a_listener_that_does_not_return_holds_up_no_task_and_loses_no_lease() {
    let fixture = Fixture::new();
    let (open, gate) = Gate::new();
    let (end, ends) = Gate::new();
    let pool = WorkerPool::builder(&fixture.queue)
        .workers(1)
        .lease(LEASE)
        .handler("job", move |task| {
            if task.payload() == b"long" {
                ends.pass();
            }
            Ok(())
        })
        .on_event(move |_| gate.pass())
        .start()
        .unwrap();
    fixture.queue.enqueue_all(&vec![task("quick"); 100]).unwrap();
    wait_until(|| pool.stats().completed == 100);
    let id = fixture.enqueue("long");
    wait_until(|| pool.stats().running == 1);
    let end_of = || fixture.queue.task(id).unwrap().unwrap().lease_expires_at.unwrap();
    let before = end_of();
    fixture.clock.advance(LEASE / 2);
    wait_until(|| end_of() > before);
    fixture.clock.advance(LEASE / 2);
    drop(end);
    wait_until(|| pool.stats().completed == 101);
    drop(open);
    let report = pool.shutdown(PATIENCE);
    assert_eq!((report.stats.lease_lost, report.stats.completed), (0, 101));
}

#[test]
fn when_a_shutdown_returns_the_listener_has_heard_of_all_that_was_settled_and_is_gone() {
    let fixture = Fixture::new();
    for _ in 0..20 {
        let (events, heard) = channel();
        let pool = WorkerPool::builder(&fixture.queue)
            .workers(2)
            .handler("job", |_| Ok(()))
            .on_event(move |event| events.send(event.outcome).unwrap())
            .start()
            .unwrap();
        fixture.queue.enqueue_all(&[task("one"), task("two")]).unwrap();
        let stats = pool.shutdown(PATIENCE).stats;
        assert_eq!(heard.try_iter().count() as u64, stats.completed + stats.released);
        assert_eq!(heard.try_recv(), Err(TryRecvError::Disconnected));
    }
}

/// A value of a panic that panics again when it is dropped.
struct Bomb;

impl Drop for Bomb {
    fn drop(&mut self) {
        if !std::thread::panicking() {
            panic!("the value of a panic is dropped");
        }
    }
}

#[test]
fn a_listener_that_panics_is_called_again() {
    let fixture = Fixture::new();
    let (calls, called) = channel();
    let calls = Mutex::new(calls);
    let pool = WorkerPool::builder(&fixture.queue)
        .workers(1)
        .handler("job", |_| Ok(()))
        .on_event(move |event| {
            calls.lock().unwrap().send(event.id).unwrap();
            std::panic::panic_any(Bomb);
        })
        .start()
        .unwrap();
    let ids = [fixture.enqueue("one"), fixture.enqueue("two")];
    let mut heard = ids.map(|_| called.recv_timeout(PATIENCE).unwrap());
    heard.sort_unstable();
    assert_eq!(heard, ids);
    assert!(pool.shutdown(PATIENCE).error.is_none());
}

#[test]
fn a_handler_whose_panic_panics_again_fails_its_own_task_only() {
    let fixture = Fixture::new();
    let pool = WorkerPool::builder(&fixture.queue)
        .workers(1)
        .handler("job", |task| match task.payload() {
            b"bomb" => std::panic::panic_any(Bomb),
            _ => Ok(()),
        })
        .start()
        .unwrap();
    fixture.queue.enqueue(&task("bomb").max_attempts(1)).unwrap();
    fixture.enqueue("good");
    wait_until(|| pool.stats().completed == 1 && pool.stats().dead == 1);
    assert!(pool.is_running());
}
