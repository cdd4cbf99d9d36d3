//! A lease that has expired is only up to be taken: it holds its task until a claim takes it.

use prismq::{Lease, State, TaskError};

use crate::support::{Fixture, LEASE};

/// A lease that expired a moment ago, and nobody came.
fn expired(fixture: &Fixture) -> Lease {
    fixture.enqueue("late");
    let lease = fixture.claim_one();
    fixture.clock.advance(LEASE);
    lease
}

#[test]
fn completes_its_task_if_nobody_took_it() {
    let fixture = Fixture::new();
    let lease = expired(&fixture);
    fixture.queue.complete(&lease).unwrap();
    assert!(fixture.claim(1).is_empty());
    let stats = fixture.queue.stats("default").unwrap();
    assert_eq!((stats.completed, stats.leased, stats.reclaimed), (1, 0, 0));
    assert!(fixture.queue.complete(&lease).unwrap_err().is_lease_lost(), "once only");
}

#[test]
fn fails_its_attempt_if_nobody_took_the_task() {
    let fixture = Fixture::new();
    let lease = expired(&fixture);
    assert_eq!(fixture.queue.fail(&lease, TaskError::permanent("no")).unwrap(), State::Dead);
}

#[test]
fn is_extended_if_nobody_took_the_task() {
    let fixture = Fixture::new();
    let lease = expired(&fixture);
    fixture.queue.extend(&lease, LEASE).unwrap();
    assert!(fixture.claim(1).is_empty(), "held again");
    fixture.clock.advance(LEASE);
    assert_eq!(fixture.claim_one().id(), lease.id());
}

#[test]
fn gives_its_task_back_if_nobody_took_it() {
    let fixture = Fixture::new();
    let lease = expired(&fixture);
    fixture.queue.release(&lease).unwrap();
    assert_eq!(fixture.claim_one().attempt(), 1, "the attempt does not count");
}

/// The claim need not be given the task: taking it back is enough, as it may be given at any time then.
#[test]
fn loses_to_a_claim_that_took_the_task_back_and_was_given_another() {
    let fixture = Fixture::new();
    fixture.queue.enqueue(&crate::support::task("late").priority(200)).unwrap();
    let late = fixture.claim_one();
    fixture.enqueue("first");
    fixture.clock.advance(LEASE);
    assert_eq!(fixture.claimed(1), ["first"]);
    for answer in [
        fixture.queue.complete(&late).err(),
        fixture.queue.fail(&late, "late").err(),
        fixture.queue.extend(&late, LEASE).err(),
        fixture.queue.release(&late).err(),
    ] {
        assert!(answer.unwrap().is_lease_lost());
    }
    assert_eq!(fixture.claim_one().attempt(), 2);
}
