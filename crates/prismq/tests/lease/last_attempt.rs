use crate::support::{Fixture, LEASE, task};
use prismq::State;

#[test]
fn a_task_whose_lease_expires_on_its_last_attempt_is_dead() {
    let fixture = Fixture::new();
    let id = fixture.queue.enqueue(&task("kills its worker").max_attempts(1)).unwrap();
    fixture.claim_one();
    fixture.clock.advance(LEASE);
    assert!(fixture.claim(1).is_empty());
    let stored = fixture.queue.task(id).unwrap().unwrap();
    assert_eq!(stored.state, State::Dead);
    assert!(stored.error.unwrap().contains("lease expired"));
    let stats = fixture.queue.stats("default").unwrap();
    assert_eq!((stats.dead, stats.leased, stats.reclaimed), (1, 0, 1));
}
