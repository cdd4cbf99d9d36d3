//! Which tasks a claim returns: of its queue, due, and as many as fit.

use std::time::Duration;

use prismq::limits::CLAIM_BYTES_MAX;
use prismq::{Clock, Lease, State, TaskId};

use crate::support::{Fixture, claim, task, text};

fn ids(leases: &[Lease]) -> Vec<TaskId> {
    leases.iter().map(Lease::id).collect()
}

#[test]
fn a_claim_returns_the_first_tasks_that_fit_its_byte_limit() {
    let fixture = Fixture::new();
    let enqueue = |bytes: usize| fixture.enqueue(&"x".repeat(bytes));
    let tasks = [CLAIM_BYTES_MAX / 2 + 1, CLAIM_BYTES_MAX / 2 + 1, 10].map(enqueue);
    assert_eq!(ids(&fixture.claim(9)), tasks[..1]);
    let stats = fixture.queue.stats("default").unwrap();
    assert_eq!((stats.ready, stats.leased), (2, 1));
    assert_eq!(ids(&fixture.claim(9)), tasks[1..]);
}

#[test]
fn an_empty_claim_writes_nothing() {
    let fixture = Fixture::new();
    fixture.enqueue("gone");
    fixture.queue.complete(&fixture.claim_one()).unwrap();
    let before = fixture.queue.contention();
    for _ in 0..10 {
        assert!(fixture.claim(1).is_empty());
    }
    let after = fixture.queue.contention();
    assert_eq!(after.write_transactions, before.write_transactions);
    assert_eq!(after.empty_claims, before.empty_claims + 10);
    assert_eq!(after.claim_conflicts, 0);
}

#[test]
fn queues_in_one_file_are_independent() {
    let fixture = Fixture::new();
    fixture.queue.enqueue(task("left").queue("left")).unwrap();
    fixture.queue.enqueue(task("right").queue("right")).unwrap();
    let leases = fixture.queue.claim(&claim().queue("right").max(10)).unwrap();
    assert_eq!(leases.iter().map(text).collect::<Vec<_>>(), ["right"]);
    assert_eq!(fixture.queue.stats("left").unwrap().ready, 1);
    assert_eq!(fixture.queue.stats("right").unwrap().leased, 1);
}

#[test]
fn a_delayed_task_is_claimed_once_due() {
    let fixture = Fixture::new();
    let delay = Duration::from_secs(30);
    let id = fixture.queue.enqueue(task("later").delay(delay)).unwrap().id();
    let stored = fixture.queue.task(id).unwrap().unwrap();
    assert_eq!(stored.state, State::Scheduled);
    assert_eq!(stored.run_at, fixture.clock.now().after(delay));

    fixture.clock.advance(delay - Duration::from_micros(1));
    assert!(fixture.claim(1).is_empty());
    fixture.clock.advance(Duration::from_micros(1));
    assert_eq!(fixture.claimed(1), ["later"]);
    assert_eq!(fixture.queue.stats("default").unwrap().scheduled, 0);
}
