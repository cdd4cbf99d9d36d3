use std::sync::mpsc::channel;

use prismq::sqlite::enqueue_in;
use prismq::{Error, WorkerPool};
use rusqlite::Connection;

use super::{Gate, PATIENCE};
use crate::support::{Fixture, LEASE, wait_until};

#[test]
fn a_pool_that_can_only_stop_says_so_and_ends() {
    let fixture = Fixture::new();
    let (stops, stopped) = channel();
    let pool = WorkerPool::builder(&fixture.queue)
        .workers(2)
        .handler("job", |_| Ok(()))
        .on_stop(move |error| stops.send(error.clone()).unwrap())
        .start()
        .unwrap();
    assert!(pool.is_running() && pool.error().is_none());
    // Without its WAL, what is acknowledged could be lost.
    std::fs::remove_file(fixture.folder.path().join("queue.db-wal")).unwrap();
    _ = fixture.queue.enqueue(&crate::support::task("work"));
    assert!(pool.wait(PATIENCE), "it ends");
    let error = stopped.recv_timeout(PATIENCE).unwrap();
    assert!(matches!(error, Error::Poisoned { .. }), "{error}");
    assert!(!pool.is_running());
    assert!(matches!(pool.error(), Some(Error::Poisoned { .. })));
    assert!(pool.shutdown(PATIENCE).error.is_some());
}

#[test]
fn an_idle_pool_is_suspended_while_its_file_is_not_in_its_place() {
    let fixture = Fixture::new();
    let pool =
        WorkerPool::builder(&fixture.queue).workers(1).handler("job", |_| Ok(())).start().unwrap();
    let elsewhere = fixture.folder.path().join("moved.db");
    std::fs::rename(fixture.path(), &elsewhere).unwrap();
    wait_until(|| pool.error().is_some());
    assert!(matches!(pool.error(), Some(Error::Moved { .. })));
    assert!(!pool.is_running() && !pool.wait(std::time::Duration::ZERO));
    std::fs::rename(&elsewhere, fixture.path()).unwrap();
    wait_until(|| pool.is_running());
    let id = fixture.enqueue("after");
    wait_until(|| fixture.queue.task(id).unwrap().is_none());
    assert!(pool.error().is_none());
}

#[test]
fn a_pool_goes_on_once_a_fault_has_ended() {
    let fixture = Fixture::new();
    let (stops, stopped) = channel();
    let pool = WorkerPool::builder(&fixture.queue)
        .workers(1)
        .handler("job", |_| Ok(()))
        .on_stop(move |error| stops.send(error.clone()).unwrap())
        .start()
        .unwrap();
    let other = Connection::open(fixture.path()).unwrap();
    let version: i32 = other.pragma_query_value(None, "user_version", |row| row.get(0)).unwrap();
    // As a newer version of the program would.
    other.pragma_update(None, "user_version", version + 1).unwrap();
    let refused = fixture.queue.enqueue(&crate::support::task("work"));
    assert!(matches!(refused, Err(Error::SchemaTooNew { .. })), "{refused:?}");
    let id = other
        .execute_batch("BEGIN IMMEDIATE")
        .and_then(|()| other.pragma_update(None, "user_version", version))
        .map(|()| enqueue_in(&fixture.queue, &other, &[crate::support::task("work")]).unwrap())
        .and_then(|ids| other.pragma_update(None, "user_version", version + 1).map(|()| ids))
        .and_then(|ids| other.execute_batch("COMMIT").map(|()| ids))
        .unwrap();
    let error = stopped.recv_timeout(PATIENCE).unwrap();
    assert!(matches!(error, Error::SchemaTooNew { .. }), "{error}");
    assert!(!pool.is_running() && pool.error().is_some());
    other.pragma_update(None, "user_version", version).unwrap();
    wait_until(|| fixture.queue.task(id[0]).unwrap().is_none());
    assert!(pool.is_running() && pool.error().is_none());
}

#[test]
fn a_heartbeat_that_fails_is_no_sign_that_a_fault_has_ended() {
    let fixture = Fixture::new();
    let (open, gate) = Gate::new();
    let (stops, stopped) = channel();
    let pool = WorkerPool::builder(&fixture.queue)
        .workers(1)
        .lease(LEASE)
        .handler("job", move |_| {
            gate.pass();
            Ok(())
        })
        .on_stop(move |error| stops.send(error.clone()).unwrap())
        .start()
        .unwrap();
    let id = fixture.enqueue("long");
    wait_until(|| pool.stats().running == 1);
    let other = Connection::open(fixture.path()).unwrap();
    let version: i32 = other.pragma_query_value(None, "user_version", |row| row.get(0)).unwrap();
    other.pragma_update(None, "user_version", version + 1).unwrap();
    // The pool's only worker is busy: nothing is written but the extension of its lease.
    fixture.clock.advance(LEASE / 3);
    let error = stopped.recv_timeout(PATIENCE).unwrap();
    assert!(matches!(error, Error::SchemaTooNew { .. }), "{error}");
    assert!(!pool.is_running() && pool.error().is_some());

    other.pragma_update(None, "user_version", version).unwrap();
    fixture.clock.advance(LEASE / 3);
    wait_until(|| pool.is_running() && pool.error().is_none());
    let expires_at = fixture.queue.task(id).unwrap().unwrap().lease_expires_at;
    assert!(expires_at.unwrap() > prismq::Clock::now(&*fixture.clock).after(LEASE / 2));
    drop(open);
    wait_until(|| pool.stats().completed == 1);
    assert_eq!(stopped.try_iter().count(), 0, "it was reported once");
}

#[test]
fn a_result_that_cannot_be_written_is_a_fault_of_its_own() {
    let fixture = Fixture::new();
    let (open, gate) = Gate::new();
    let (stops, stopped) = channel();
    let pool = WorkerPool::builder(&fixture.queue)
        .workers(2)
        .handler("job", move |_| {
            gate.pass();
            Ok(())
        })
        .on_stop(move |error| stops.send(error.clone()).unwrap())
        .start()
        .unwrap();
    wait_until(|| fixture.queue.contention().empty_claims > 0);
    fixture.enqueue("long");
    wait_until(|| pool.stats().running == 1);
    // The pool waits for work by now or soon, and then claims nothing with the result.
    (0..1000).for_each(|_| std::thread::yield_now());
    let other = Connection::open(fixture.path()).unwrap();
    let version: i32 = other.pragma_query_value(None, "user_version", |row| row.get(0)).unwrap();
    other.pragma_update(None, "user_version", version + 1).unwrap();
    drop(open);
    let error = stopped.recv_timeout(PATIENCE).unwrap();
    assert!(matches!(error, Error::SchemaTooNew { .. }), "{error}");
    assert_eq!(pool.stats().unsettled, 1);
    other.pragma_update(None, "user_version", version).unwrap();
    wait_until(|| pool.stats().completed == 1 && pool.is_running());
}
