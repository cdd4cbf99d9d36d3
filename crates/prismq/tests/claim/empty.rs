use crate::support::Fixture;

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
