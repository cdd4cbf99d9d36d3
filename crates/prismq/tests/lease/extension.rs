use crate::support::{Fixture, LEASE};
use prismq::Clock;

#[test]
fn an_extended_lease_holds_longer() {
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
