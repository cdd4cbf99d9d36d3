//! Failed and released attempts: when a task is retried, and when it is dead.

use std::time::Duration;

use prismq::{State, TaskError};

use crate::support::{Fixture, RETRY, task};

#[test]
fn a_failed_attempt_is_retried_after_its_backoff() {
    let fixture = Fixture::new();
    let id = fixture.enqueue("flaky");
    let first = fixture.claim_one();
    assert_eq!(fixture.queue.fail(&first, "out of luck").unwrap(), State::Scheduled);
    let stored = fixture.queue.task(id).unwrap().unwrap();
    assert_eq!(stored.error.as_deref(), Some("out of luck"));
    assert!(fixture.claim(1).is_empty(), "it waits for its backoff");

    fixture.clock.advance(RETRY);
    let second = fixture.claim_one();
    assert_eq!((second.id(), second.attempt()), (id, 2));
    assert!(second.token() > first.token());
    let stats = fixture.queue.stats("default").unwrap();
    assert_eq!((stats.failed, stats.scheduled, stats.leased), (1, 0, 1));
}

#[test]
fn a_failure_may_set_its_own_retry_delay() {
    let fixture = Fixture::new();
    fixture.enqueue("throttled");
    let wait = Duration::from_secs(3600);
    let lease = fixture.claim_one();
    fixture.queue.fail(&lease, TaskError::new("429").retry_after(wait)).unwrap();
    fixture.clock.advance(wait - Duration::from_micros(1));
    assert!(fixture.claim(1).is_empty());
    fixture.clock.advance(Duration::from_micros(1));
    let lease = fixture.claim_one();
    let again = TaskError::new("at once").retry_after(Duration::ZERO);
    assert_eq!(fixture.queue.fail(&lease, again).unwrap(), State::Ready);
}

#[test]
fn a_permanent_failure_makes_the_task_dead_at_once() {
    let fixture = Fixture::new();
    fixture.enqueue("malformed");
    let lease = fixture.claim_one();
    let state = fixture.queue.fail(&lease, TaskError::permanent("not a picture")).unwrap();
    assert_eq!(state, State::Dead);
}

#[test]
fn a_task_is_dead_after_its_last_attempt() {
    let fixture = Fixture::new();
    let id = fixture.queue.enqueue(task("hopeless").max_attempts(2)).unwrap().id();
    assert_eq!(fixture.queue.fail(&fixture.claim_one(), "first").unwrap(), State::Scheduled);
    fixture.clock.advance(RETRY);
    assert_eq!(fixture.queue.fail(&fixture.claim_one(), "second").unwrap(), State::Dead);

    fixture.clock.advance(RETRY * 1000);
    assert!(fixture.claim(1).is_empty());
    let stored = fixture.queue.task(id).unwrap().unwrap();
    assert_eq!((stored.state, stored.error.as_deref()), (State::Dead, Some("second")));
    assert_eq!(fixture.queue.stats("default").unwrap().dead, 1);
}

#[test]
fn a_release_does_not_count_an_attempt() {
    let fixture = Fixture::new();
    fixture.enqueue("first");
    fixture.enqueue("second");
    let lease = fixture.claim_one();
    fixture.queue.release(&lease).unwrap();
    let again = fixture.claim_one();
    assert_eq!(
        (again.id(), again.attempt()),
        (lease.id(), 1),
        "its order and attempts are unchanged"
    );
    assert!(again.token() > lease.token());
    assert!(fixture.queue.complete(&lease).unwrap_err().is_lease_lost());
}
