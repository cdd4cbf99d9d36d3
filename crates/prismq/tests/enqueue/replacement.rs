//! What a duplicate changes in the unique task that waits: its content and time, or its time alone.

use std::time::Duration;

use prismq::{Claim, Enqueued, Order, State};

use super::unique::{HOUR, add, key, keyed};
use crate::support::{Fixture, LEASE, task, text};

#[test]
fn a_waiting_task_is_replaced() {
    let fixture = Fixture::new();
    let replace = |payload: &str| keyed(payload, key().replace());
    let first = add(&fixture.queue, replace("a"));
    add(&fixture.queue, task("between"));
    let large = "large".repeat(1000);
    let later = replace(&large).priority(1).delay(HOUR).queue("elsewhere").max_attempts(1);
    assert_eq!(add(&fixture.queue, later), Enqueued::Updated(first.id()));
    let stored = fixture.queue.task(first.id()).unwrap().unwrap();
    assert_eq!((stored.state, stored.priority), (State::Scheduled, 1));
    assert_eq!((stored.queue.as_str(), stored.max_attempts), ("default", 5));
    assert_eq!(stored.payload, large.as_bytes());
    let stats = fixture.queue.stats("default").unwrap();
    assert_eq!((stats.ready, stats.scheduled, stats.enqueued), (1, 1, 2));
    assert_eq!(add(&fixture.queue, replace("c").priority(2)), Enqueued::Updated(first.id()));
    assert_eq!(fixture.claimed(9), ["c", "between"], "at once, and first by its new priority");
    assert_eq!(add(&fixture.queue, replace("c")), Enqueued::Duplicate(first.id()), "it runs");
    assert_eq!(add(&fixture.queue, replace("d")), Enqueued::Conflict(first.id()));
}

#[test]
fn a_replaced_task_keeps_its_place_in_the_order_of_its_queue() {
    let fixture = Fixture::new();
    fixture.queue.set_order("default", Order::FirstInFirstOut).unwrap();
    add(&fixture.queue, keyed("a", key().replace()));
    add(&fixture.queue, task("b"));
    add(&fixture.queue, keyed("c", key().replace()));
    assert_eq!(fixture.claimed(9), ["c", "b"]);
}

#[test]
fn a_task_that_waits_for_a_retry_is_replaced_with_its_attempts() {
    let fixture = Fixture::new();
    let first = add(&fixture.queue, keyed("a", key().replace()));
    fixture.queue.fail(&fixture.claim_one(), "again").unwrap();
    assert_eq!(add(&fixture.queue, keyed("b", key().replace())), Enqueued::Updated(first.id()));
    let lease = fixture.claim_one();
    assert_eq!((text(&lease).as_str(), lease.attempt()), ("b", 2));
}

#[test]
fn a_burst_that_pushes_back_runs_once_after_its_end() {
    let fixture = Fixture::new();
    let burst = |payload: &str| keyed(payload, key().push_back()).delay(HOUR);
    let first = add(&fixture.queue, burst("a"));
    fixture.clock.advance(HOUR / 2);
    assert_eq!(add(&fixture.queue, burst("b")), Enqueued::Updated(first.id()));
    fixture.clock.advance(HOUR / 2);
    assert_eq!(fixture.claim(9).len(), 0);
    fixture.clock.advance(HOUR / 2);
    assert_eq!(fixture.claimed(9), ["a"], "with the payload and priority of the first");
    assert_eq!(add(&fixture.queue, burst("a")), Enqueued::Duplicate(first.id()), "it runs");
}

#[test]
fn a_suspect_that_is_pushed_back_stays_one() {
    let fixture = Fixture::new();
    let unique = || keyed("a", key().push_back()).delay(Duration::ZERO);
    let first = add(&fixture.queue, unique());
    drop(fixture.claim_one());
    fixture.clock.advance(LEASE);
    add(&fixture.queue, task("b"));
    assert_eq!(fixture.claimed(1), ["a"], "the lease of the first has expired");
    fixture.clock.advance(LEASE);
    // Reclaims it.
    assert!(fixture.queue.claim(&Claim::new(["none"])).unwrap().is_empty());
    let later = unique().delay(HOUR);
    assert_eq!(add(&fixture.queue, later), Enqueued::Updated(first.id()));
    let stats = fixture.queue.stats("default").unwrap();
    assert_eq!((stats.ready, stats.scheduled), (1, 1));
    fixture.clock.advance(HOUR);
    assert_eq!(fixture.claimed(9), ["a", "b"]);
}
