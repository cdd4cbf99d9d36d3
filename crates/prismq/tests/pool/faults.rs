//! What a pool does when the database fails.

use std::sync::mpsc::channel;
use std::time::Duration;

use prismq::sqlite::enqueue_in;
use prismq::{Error, Outcome, Queue, WorkerPool};
use rusqlite::Connection;

use crate::support::{DEADLINE, Fixture, Gate, LEASE, ids, lock, receive, task, wait_until};

/// A connection that has raised the version of the schema, as a newer program does, and the version before.
fn migrated(fixture: &Fixture) -> (Connection, i32) {
    let other = Connection::open(fixture.path()).unwrap();
    let version = other.query_row("SELECT version FROM prismq_meta", [], |row| row.get(0)).unwrap();
    set_version(&other, version + 1);
    (other, version)
}

fn set_version(file: &Connection, version: i32) {
    file.execute("UPDATE prismq_meta SET version = ?1", [version]).unwrap();
}

#[test]
fn a_pool_stops_and_reports_a_final_error() {
    let fixture = Fixture::new();
    let (stops, stopped) = channel();
    let pool = WorkerPool::builder(&fixture.queue)
        .workers(2)
        .handle_bytes("job", |_, _| Ok(()))
        .on_stop(move |error| stops.send(error.clone()).unwrap())
        .start()
        .unwrap();
    assert!(pool.is_running() && pool.error().is_none());
    // Without its WAL, what is acknowledged would be lost.
    std::fs::remove_file(fixture.next_to("-wal")).unwrap();
    _ = fixture.queue.enqueue(task("work"));
    assert!(pool.wait(DEADLINE), "it stops");
    let error = receive(&stopped, "the stop of the pool");
    assert!(matches!(error, Error::Poisoned { .. }), "{error}");
    assert!(!pool.is_running());
    assert!(matches!(pool.error(), Some(Error::Poisoned { .. })));
    assert!(pool.shutdown(DEADLINE).error.is_some());
}

#[test]
fn an_idle_pool_is_suspended_while_its_file_is_moved() {
    let fixture = Fixture::new();
    let pool = WorkerPool::builder(&fixture.queue)
        .workers(1)
        .handle_bytes("job", |_, _| Ok(()))
        .start()
        .unwrap();
    let elsewhere = fixture.folder.path().join("moved.db");
    std::fs::rename(fixture.path(), &elsewhere).unwrap();
    wait_until!(pool.error().is_some());
    assert!(matches!(pool.error(), Some(Error::Moved { .. })));
    assert!(!pool.is_running() && !pool.wait(std::time::Duration::ZERO));
    std::fs::rename(&elsewhere, fixture.path()).unwrap();
    wait_until!(pool.is_running());
    let id = fixture.enqueue("after");
    wait_until!(fixture.queue.task(id).unwrap().is_none());
    assert!(pool.error().is_none());
}

#[test]
fn a_pool_resumes_once_the_error_is_gone() {
    let fixture = Fixture::new();
    let (stops, stopped) = channel();
    let pool = WorkerPool::builder(&fixture.queue)
        .workers(1)
        .handle_bytes("job", |_, _| Ok(()))
        .on_stop(move |error| stops.send(error.clone()).unwrap())
        .start()
        .unwrap();
    let (other, version) = migrated(&fixture);
    let refused = fixture.queue.enqueue(task("work"));
    assert!(matches!(refused, Err(Error::SchemaTooNew { .. })), "{refused:?}");
    other.execute_batch("BEGIN IMMEDIATE").unwrap();
    set_version(&other, version);
    let ids = ids(enqueue_in(&fixture.queue, &other, &[task("work")]).unwrap());
    set_version(&other, version + 1);
    other.execute_batch("COMMIT").unwrap();
    let error = receive(&stopped, "the stop of the pool");
    assert!(matches!(error, Error::SchemaTooNew { .. }), "{error}");
    assert!(!pool.is_running() && pool.error().is_some());
    set_version(&other, version);
    wait_until!(fixture.queue.task(ids[0]).unwrap().is_none());
    assert!(pool.is_running() && pool.error().is_none());
}

#[test]
fn a_failed_heartbeat_does_not_clear_the_error() {
    let fixture = Fixture::new();
    let (open, gate) = Gate::new();
    let (stops, stopped) = channel();
    let pool = WorkerPool::builder(&fixture.queue)
        .workers(1)
        .lease(LEASE)
        .handle_bytes("job", gate.handler())
        .on_stop(move |error| stops.send(error.clone()).unwrap())
        .start()
        .unwrap();
    let id = fixture.enqueue("long");
    wait_until!(pool.stats().running == 1);
    let (other, version) = migrated(&fixture);
    // The pool's only worker is busy: only the extension of its lease is written.
    fixture.clock.advance(LEASE / 3);
    let error = receive(&stopped, "the stop of the pool");
    assert!(matches!(error, Error::SchemaTooNew { .. }), "{error}");
    assert!(!pool.is_running() && pool.error().is_some());

    set_version(&other, version);
    fixture.clock.advance(LEASE / 3);
    wait_until!(pool.is_running() && pool.error().is_none());
    let expires_at = fixture.queue.task(id).unwrap().unwrap().lease_expires_at;
    assert!(expires_at.unwrap() > prismq::Clock::now(&*fixture.clock).after(LEASE / 2));
    drop(open);
    wait_until!(pool.stats().completed == 1);
    assert_eq!(stopped.try_iter().count(), 0, "reported once");
}

#[test]
fn a_result_that_cannot_be_committed_is_reported() {
    let fixture = Fixture::new();
    let (open, gate) = Gate::new();
    let (stops, stopped) = channel();
    let pool = WorkerPool::builder(&fixture.queue)
        .workers(2)
        .handle_bytes("job", gate.handler())
        .on_stop(move |error| stops.send(error.clone()).unwrap())
        .start()
        .unwrap();
    wait_until!(fixture.queue.contention().empty_claims > 0);
    fixture.enqueue("long");
    wait_until!(pool.stats().running == 1);
    // The pool waits for work by now or soon, and then commits the result without a claim.
    (0..1000).for_each(|_| std::thread::yield_now());
    let (other, version) = migrated(&fixture);
    drop(open);
    let error = receive(&stopped, "the stop of the pool");
    assert!(matches!(error, Error::SchemaTooNew { .. }), "{error}");
    assert_eq!(pool.stats().unsettled, 1);
    set_version(&other, version);
    wait_until!(pool.stats().completed == 1 && pool.is_running());
}

#[test]
fn a_pool_waits_for_a_busy_database() {
    let fixture = Fixture::new();
    let queue = Queue::builder(fixture.path()).busy_wait(Duration::from_millis(1)).open().unwrap();
    queue.enqueue(task("")).unwrap();
    let (open, gate) = Gate::new();
    let (send, events) = channel();
    let pool = WorkerPool::builder(&queue)
        .workers(2)
        .handle_bytes("job", gate.handler())
        .on_event(move |event| send.send(event.outcome).unwrap())
        .start()
        .unwrap();
    wait_until!(pool.stats().running == 1);
    let other = lock(&fixture.path());
    open.send(()).unwrap();
    wait_until!(queue.contention().busy_errors >= 2);
    other.execute_batch("ROLLBACK").unwrap();
    assert_eq!(receive(&events, "an event"), Outcome::Completed);
}
