use crate::support::Fixture;

#[test]
fn a_release_does_not_count_an_attempt() {
    let fixture = Fixture::new();
    fixture.enqueue("first");
    fixture.enqueue("second");
    let lease = fixture.claim_one();
    fixture.queue.release(&lease).unwrap();
    let again = fixture.claim_one();
    assert_eq!((again.id(), again.attempt()), (lease.id(), 1), "it keeps its place and attempts");
    assert!(again.token() > lease.token());
    assert!(fixture.queue.complete(&lease).unwrap_err().is_lease_lost());
}
