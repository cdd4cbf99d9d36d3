//! The listener of events: when it is called, and what it cannot delay.

use std::sync::Mutex;
use std::sync::mpsc::{TryRecvError, channel};

use prismq::{Outcome, State, TaskError, WorkerPool};

use crate::support::{DEADLINE, Fixture, Gate, LEASE, receive, task, wait_until};

#[test]
fn a_blocked_listener_delays_no_task_and_loses_no_lease() {
    let fixture = Fixture::new();
    let (open, gate) = Gate::new();
    let (open_handler, handler_gate) = Gate::new();
    let pool = WorkerPool::builder(&fixture.queue)
        .workers(1)
        .lease(LEASE)
        .handle_bytes("job", move |payload, _| {
            if payload == b"long" {
                handler_gate.pass();
            }
            Ok(())
        })
        .on_event(move |_| gate.pass())
        .start()
        .unwrap();
    fixture.queue.enqueue_all(vec![task("quick"); 100]).unwrap();
    wait_until!(pool.stats().completed == 100);
    let id = fixture.enqueue("long");
    wait_until!(pool.stats().running == 1);
    let expires_at = || fixture.queue.task(id).unwrap().unwrap().lease_expires_at.unwrap();
    let before = expires_at();
    fixture.clock.advance(LEASE / 2);
    wait_until!(expires_at() > before);
    fixture.clock.advance(LEASE / 2);
    drop(open_handler);
    wait_until!(pool.stats().completed == 101);
    drop(open);
    let report = pool.shutdown(DEADLINE);
    assert_eq!((report.stats.lease_lost, report.stats.completed), (0, 101));
}

#[test]
fn shutdown_returns_after_the_listener_received_every_event() {
    let fixture = Fixture::new();
    for _ in 0..20 {
        let (send, events) = channel();
        let pool = WorkerPool::builder(&fixture.queue)
            .workers(2)
            .handle_bytes("job", |_, _| Ok(()))
            .on_event(move |event| send.send(event.outcome).unwrap())
            .start()
            .unwrap();
        fixture.queue.enqueue_all([task("one"), task("two")]).unwrap();
        let stats = pool.shutdown(DEADLINE).stats;
        assert_eq!(events.try_iter().count() as u64, stats.completed + stats.released);
        assert_eq!(events.try_recv(), Err(TryRecvError::Disconnected));
    }
}

/// The value of a panic, which panics when it is dropped.
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
        .handle_bytes("job", |_, _| Ok(()))
        .on_event(move |event| {
            calls.lock().unwrap().send(event.id).unwrap();
            std::panic::panic_any(Bomb);
        })
        .start()
        .unwrap();
    let ids = [fixture.enqueue("one"), fixture.enqueue("two")];
    let mut heard = ids.map(|_| receive(&called, "a call of the listener"));
    heard.sort_unstable();
    assert_eq!(heard, ids);
    assert!(pool.shutdown(DEADLINE).error.is_none());
}

#[test]
fn a_panic_whose_value_panics_when_dropped_fails_only_its_own_task() {
    let fixture = Fixture::new();
    let pool = WorkerPool::builder(&fixture.queue)
        .workers(1)
        .handle_bytes("job", |payload, _| match &*payload {
            b"bomb" => std::panic::panic_any(Bomb),
            _ => Ok(()),
        })
        .start()
        .unwrap();
    fixture.queue.enqueue(task("bomb").max_attempts(1)).unwrap();
    fixture.enqueue("good");
    wait_until!(pool.stats().completed == 1 && pool.stats().dead == 1);
    assert!(pool.is_running());
}

#[test]
fn an_event_is_sent_after_its_commit() {
    let fixture = Fixture::new();
    let (good, bad) = (fixture.enqueue("good"), fixture.enqueue("bad"));
    let (send, events) = channel();
    let reader = fixture.another_handle();
    let _pool = WorkerPool::builder(&fixture.queue)
        .workers(1)
        .handle_bytes("job", |payload, _| match &*payload {
            b"good" => Ok(()),
            _ => Err(TaskError::permanent("bad")),
        })
        .on_event(move |event| {
            let state = reader.task(event.id).unwrap().map(|task| task.state);
            send.send((event.id, event.attempt, event.outcome, state)).unwrap();
        })
        .start()
        .unwrap();
    assert_eq!(receive(&events, "an event"), (good, 1, Outcome::Completed, None));
    assert_eq!(receive(&events, "an event"), (bad, 1, Outcome::Dead, Some(State::Dead)));
}
