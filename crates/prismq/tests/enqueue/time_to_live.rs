//! Tasks that expire unless they start in time.

use std::sync::mpsc::channel;
use std::time::Duration;

use prismq::limits::DELAY_MAX;
use prismq::{Claim, Error, NewTask, State, TaskError, Unique, WorkerPool};
use rusqlite::{Connection, TransactionBehavior};

use crate::support::{Fixture, Gate, LEASE, RETRY, receive, task, text, wait_until};

const MINUTE: Duration = Duration::from_secs(60);
const MOMENT: Duration = Duration::from_micros(1);

fn mortal(payload: &str) -> NewTask {
    task(payload).expires_after(MINUTE)
}

/// Claims of another type expire tasks as well.
fn claim_nothing(fixture: &Fixture) {
    assert!(fixture.queue.claim(&Claim::new(["none"])).unwrap().is_empty());
}

fn entries(fixture: &Fixture) -> i64 {
    let file = Connection::open(fixture.path()).unwrap();
    file.query_row("SELECT count(*) FROM prismq_expiry", [], |row| row.get(0)).unwrap()
}

#[test]
fn a_task_that_has_not_started_in_time_is_dead_and_counted() {
    let fixture = Fixture::new();
    let id = fixture.queue.enqueue(mortal("late")).unwrap().id();
    fixture.enqueue("immortal");
    fixture.clock.advance(MINUTE - MOMENT);
    claim_nothing(&fixture);
    assert_eq!(fixture.queue.stats("default").unwrap().ready, 2);
    fixture.clock.advance(MOMENT);
    claim_nothing(&fixture);
    let stored = fixture.queue.task(id).unwrap().unwrap();
    assert_eq!((stored.state, stored.attempt), (State::Dead, 0));
    assert!(stored.error.unwrap().starts_with("expired"));
    let stats = fixture.queue.stats("default").unwrap();
    assert_eq!((stats.ready, stats.dead, stats.expired, stats.failed), (1, 1, 1, 0));
    assert_eq!(fixture.claimed(9), ["immortal"]);
    assert_eq!(entries(&fixture), 0);
}

#[test]
fn a_task_that_starts_at_the_last_moment_runs() {
    let fixture = Fixture::new();
    fixture.queue.enqueue(&mortal("in time")).unwrap();
    fixture.clock.advance(MINUTE - MOMENT);
    let lease = fixture.claim_one();
    fixture.clock.advance(MOMENT);
    claim_nothing(&fixture);
    fixture.queue.complete(&lease).unwrap();
    assert_eq!(fixture.queue.stats("default").unwrap().completed, 1);
    fixture.clock.advance(LEASE);
    claim_nothing(&fixture);
    assert_eq!(entries(&fixture), 0);
}

#[test]
fn no_late_task_is_given_however_many_are_due() {
    let fixture = Fixture::new();
    // More than one transaction expires, so that claims meet some of them.
    for _ in 0..3 {
        fixture.queue.enqueue_all(&vec![mortal("late"); 1000]).unwrap();
    }
    fixture.enqueue("immortal");
    fixture.clock.advance(2 * MINUTE);
    assert_eq!(fixture.claimed(9), ["immortal"]);
    let stats = fixture.queue.stats("default").unwrap();
    assert_eq!((stats.ready, stats.dead, stats.expired), (0, 3000, 3000));
}

#[test]
fn a_delayed_task_expires_too() {
    let fixture = Fixture::new();
    fixture.queue.enqueue(&mortal("late").delay(MINUTE / 2)).unwrap();
    fixture.clock.advance(MINUTE);
    assert_eq!(fixture.claim(9).len(), 0);
    let stats = fixture.queue.stats("default").unwrap();
    assert_eq!((stats.scheduled, stats.ready, stats.dead), (0, 0, 1));
}

#[test]
fn a_task_that_started_in_time_is_retried_after_its_time() {
    let fixture = Fixture::new();
    fixture.queue.enqueue(&mortal("retried")).unwrap();
    fixture.clock.advance(MINUTE - MOMENT);
    fixture.queue.fail(&fixture.claim_one(), "again").unwrap();
    fixture.clock.advance(RETRY);
    let lease = fixture.claim_one();
    assert_eq!(lease.attempt(), 2);
    assert_eq!(entries(&fixture), 0);
}

#[test]
fn a_task_that_was_claimed_and_released_without_running_expires() {
    let fixture = Fixture::new();
    fixture.queue.enqueue(&mortal("held")).unwrap();
    let lease = fixture.claim_one();
    fixture.clock.advance(MINUTE);
    claim_nothing(&fixture);
    assert!(fixture.queue.complete(&lease).unwrap_err().is_lease_lost());
    let stats = fixture.queue.stats("default").unwrap();
    assert_eq!((stats.dead, stats.ready + stats.leased), (0, 1), "an attempt used up is a start");
    // One that is reclaimed with its attempt counts as started; one that is released does not.
    let released = Fixture::new();
    released.queue.enqueue(&mortal("held")).unwrap();
    let lease = released.queue.claim(&Claim::new(["job"]).lease(3 * MINUTE)).unwrap().remove(0);
    released.clock.advance(MINUTE);
    claim_nothing(&released);
    released.queue.release(&lease).unwrap();
    assert_eq!(released.claim(9).len(), 0);
    assert_eq!(released.queue.stats("default").unwrap().expired, 1);
}

#[test]
fn a_task_that_a_pool_holds_ahead_does_not_start_late() {
    let fixture = Fixture::new();
    let (open, gate) = Gate::new();
    let (begun, begins) = channel();
    let pool = WorkerPool::builder(&fixture.queue)
        .workers(1)
        .lease(3 * MINUTE)
        .handle_bytes("job", move |payload, _| {
            begun.send(String::from_utf8(payload.to_vec()).unwrap()).unwrap();
            if payload == b"long" {
                gate.pass();
            }
            Ok(())
        })
        .start()
        .unwrap();
    // Quick ones, so that the pool holds tasks ahead.
    fixture.queue.enqueue_all(&vec![task("quick"); 50]).unwrap();
    (0..50).for_each(|_| assert_eq!(receive(&begins, "a quick task"), "quick"));
    fixture.queue.enqueue_all(&[task("long"), mortal("late"), task("last")]).unwrap();
    assert_eq!(receive(&begins, "the long task"), "long");
    fixture.clock.advance(MINUTE);
    drop(open);
    assert_eq!(receive(&begins, "the last task"), "last");
    wait_until!(fixture.queue.stats("default").unwrap().expired == 1);
    wait_until!(pool.stats().completed == 52);
}

#[test]
fn a_time_to_live_holds_in_a_callers_transaction_and_after_a_restart() {
    let fixture = Fixture::new();
    let mut connection = Connection::open(fixture.path()).unwrap();
    let behavior = TransactionBehavior::Immediate;
    let transaction = connection.transaction_with_behavior(behavior).unwrap();
    prismq::sqlite::enqueue_in(&fixture.queue, &transaction, &[mortal("late")]).unwrap();
    transaction.commit().unwrap();
    let fixture = fixture.reopen_after(|_| {});
    fixture.clock.advance(MINUTE);
    assert_eq!(fixture.claim(9).len(), 0);
    assert_eq!(fixture.queue.stats("default").unwrap().expired, 1);
}

#[test]
fn a_replaced_task_lives_as_long_as_the_one_that_replaces_it() {
    let fixture = Fixture::new();
    let replace = |task: NewTask| task.unique(Unique::key("k").replace());
    fixture.queue.enqueue(&replace(mortal("first"))).unwrap();
    fixture.queue.enqueue(&replace(task("second"))).unwrap();
    fixture.clock.advance(MINUTE);
    assert_eq!(fixture.claim(9).iter().map(text).collect::<Vec<_>>(), ["second"]);
}

#[test]
fn an_expired_task_holds_no_key() {
    let fixture = Fixture::new();
    let unique = || mortal("late").unique(Unique::key("k"));
    fixture.queue.enqueue(&unique()).unwrap();
    fixture.clock.advance(MINUTE);
    claim_nothing(&fixture);
    fixture.queue.enqueue(&unique()).unwrap();
    assert_eq!(fixture.queue.stats("default").unwrap().enqueued, 2);
}

#[test]
fn a_time_to_live_that_cannot_be_is_refused() {
    let fixture = Fixture::new();
    let wrong = [
        task("x").expires_after(Duration::ZERO),
        task("x").delay(MINUTE).expires_after(MINUTE),
        task("x").expires_after(DELAY_MAX + MOMENT),
    ];
    for task in wrong {
        let refused = fixture.queue.enqueue(&task);
        assert!(matches!(refused, Err(Error::InvalidInput { .. })), "{task:?}: {refused:?}");
    }
    fixture.queue.enqueue(&task("x").delay(MINUTE).expires_after(DELAY_MAX)).unwrap();
}

#[test]
fn a_claim_by_a_handle_that_never_wrote_expires_a_task() {
    let fixture = Fixture::new();
    let other = fixture.another_handle();
    fixture.queue.enqueue(&mortal("late")).unwrap();
    fixture.clock.advance(MINUTE);
    assert!(other.claim(&Claim::new(["none"])).unwrap().is_empty());
    assert_eq!(fixture.queue.stats("default").unwrap().expired, 1);
}

#[test]
fn a_task_that_was_put_off_by_its_handler_has_started() {
    let fixture = Fixture::new();
    fixture.queue.enqueue(mortal("put off")).unwrap();
    let lease = fixture.claim_one();
    fixture.queue.fail(&lease, TaskError::snooze(2 * MINUTE)).unwrap();
    fixture.clock.advance(2 * MINUTE);
    assert_eq!(fixture.claimed(9), ["put off"]);
}

#[test]
fn a_redriven_task_has_no_time_to_live_any_more() {
    let fixture = Fixture::new();
    let id = fixture.queue.enqueue(mortal("redriven")).unwrap().id();
    fixture.queue.fail(&fixture.claim_one(), TaskError::permanent("no")).unwrap();
    assert_eq!(fixture.queue.tasks().dead().redrive().unwrap(), 1);
    fixture.clock.advance(2 * MINUTE);
    claim_nothing(&fixture);
    assert_eq!(fixture.queue.task(id).unwrap().unwrap().state, State::Ready);
    assert_eq!(fixture.claimed(9), ["redriven"]);
}
