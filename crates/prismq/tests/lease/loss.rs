//! A worker that was stopped past its lease changes neither the task nor the lease that replaced its own.
//!
//! Failure mode: lease: expired while its worker is alive

use prismq::{Lease, Queue};

use crate::support::{Fixture, LEASE};

fn assert_refused(queue: &Queue, lease: &Lease) {
    assert!(queue.complete(lease).unwrap_err().is_lease_lost());
    assert!(queue.fail(lease, "late").unwrap_err().is_lease_lost());
    assert!(queue.extend(lease, LEASE).unwrap_err().is_lease_lost());
    assert!(queue.release(lease).unwrap_err().is_lease_lost());
}

#[test]
fn a_lost_lease_neither_settles_nor_extends_its_task() {
    let fixture = Fixture::new();
    let id = fixture.enqueue("once");
    let stale = fixture.claim_one();
    fixture.clock.advance(LEASE);
    let current = fixture.claim_one();
    let before = fixture.queue.task(id).unwrap();
    assert_refused(&fixture.queue, &stale);
    assert_eq!(fixture.queue.task(id).unwrap(), before);

    fixture.queue.complete(&current).unwrap();
    assert_refused(&fixture.queue, &current);
    assert_eq!(fixture.queue.stats("default").unwrap().completed, 1);
}
