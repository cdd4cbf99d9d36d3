use std::time::Duration;

use crate::support::{Fixture, LEASE};

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
