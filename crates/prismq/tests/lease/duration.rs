//! When a lease starts, and how long it holds.

use std::thread;
use std::time::Duration;

use prismq::Clock;

use crate::support::{Fixture, LEASE, claim, join, lock, wait_until};

/// A lease once started with the call of the claim: after a wait for the write lock it was shorter, or over
/// already, and another process could reclaim the task.
#[test]
fn a_lease_starts_when_the_claim_gets_the_write_lock() {
    let fixture = Fixture::new();
    fixture.enqueue("task");
    let other = lock(&fixture.path());
    let queue = fixture.queue.clone();
    let claiming = thread::spawn(move || queue.claim(&claim()).unwrap());
    wait_until!(fixture.queue.contention().busy_waits > 0);
    fixture.clock.advance(Duration::from_secs(30));
    other.execute_batch("ROLLBACK").unwrap();
    let leases = join(claiming, "the claim");
    assert_eq!(leases[0].expires_at(), fixture.clock.now().after(LEASE));
}

#[test]
fn extending_a_lease_moves_its_expiry() {
    let fixture = Fixture::new();
    fixture.enqueue("long");
    let lease = fixture.claim_one();
    fixture.clock.advance(LEASE / 2);
    let expires_at = fixture.queue.extend(&lease, LEASE).unwrap();
    assert_eq!(expires_at, fixture.clock.now().after(LEASE));
    fixture.clock.advance(LEASE * 3 / 4);
    assert!(fixture.claim(1).is_empty());
    fixture.queue.complete(&lease).unwrap();
}
