//! An expired lease holds its task until a claim reclaims it.
//!
//! Failure mode: lease: expired while its worker is alive

use std::time::Duration;

use prismq::{Lease, State, TaskError};

use crate::support::{Fixture, LEASE, task};

/// A lease that has just expired, and was not reclaimed.
fn expired(fixture: &Fixture) -> Lease {
    fixture.enqueue("late");
    let lease = fixture.claim_one();
    fixture.clock.advance(LEASE);
    lease
}

#[test]
fn an_expired_lease_not_yet_reclaimed_completes_its_task() {
    let fixture = Fixture::new();
    let lease = expired(&fixture);
    fixture.queue.complete(&lease).unwrap();
    assert!(fixture.claim(1).is_empty());
    let stats = fixture.queue.stats("default").unwrap();
    assert_eq!((stats.completed, stats.leased, stats.reclaimed), (1, 0, 0));
    assert!(fixture.queue.complete(&lease).unwrap_err().is_lease_lost(), "once only");
}

#[test]
fn an_expired_lease_not_yet_reclaimed_records_a_failed_attempt() {
    let fixture = Fixture::new();
    let lease = expired(&fixture);
    assert_eq!(fixture.queue.fail(&lease, TaskError::permanent("no")).unwrap(), State::Dead);
}

#[test]
fn an_expired_lease_not_yet_reclaimed_can_be_extended() {
    let fixture = Fixture::new();
    let lease = expired(&fixture);
    fixture.queue.extend(&lease, LEASE).unwrap();
    assert!(fixture.claim(1).is_empty(), "leased again");
    fixture.clock.advance(LEASE);
    assert_eq!(fixture.claim_one().id(), lease.id());
}

#[test]
fn an_expired_lease_not_yet_reclaimed_can_be_released() {
    let fixture = Fixture::new();
    let lease = expired(&fixture);
    fixture.queue.release(&lease).unwrap();
    assert_eq!(fixture.claim_one().attempt(), 1, "the attempt does not count");
}

/// A claim need not return the task: to reclaim it is enough, as any claim may return it then.
#[test]
fn a_claim_reclaims_expired_leases_even_if_it_returns_other_tasks() {
    let fixture = Fixture::new();
    fixture.queue.enqueue(task("late").priority(200)).unwrap();
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

#[test]
fn an_expired_lease_is_reclaimed_by_the_next_claim() {
    let fixture = Fixture::new();
    let id = fixture.enqueue("orphan");
    let dead_worker = fixture.claim_one();
    fixture.clock.advance(LEASE - Duration::from_micros(1));
    assert!(fixture.claim(1).is_empty());
    fixture.clock.advance(Duration::from_micros(1));
    let lease = fixture.claim_one();
    assert_eq!((lease.id(), lease.attempt()), (id, 2));
    assert!(lease.token() > dead_worker.token());
    assert_eq!(fixture.queue.stats("default").unwrap().reclaimed, 1);
}

#[test]
fn a_task_whose_lease_expires_on_its_last_attempt_is_dead() {
    let fixture = Fixture::new();
    let id = fixture.queue.enqueue(task("kills its worker").max_attempts(1)).unwrap().id();
    fixture.claim_one();
    fixture.clock.advance(LEASE);
    assert!(fixture.claim(1).is_empty());
    let stored = fixture.queue.task(id).unwrap().unwrap();
    assert_eq!(stored.state, State::Dead);
    assert!(stored.error.unwrap().contains("lease expired"));
    let stats = fixture.queue.stats("default").unwrap();
    assert_eq!((stats.dead, stats.leased, stats.reclaimed), (1, 0, 1));
}
