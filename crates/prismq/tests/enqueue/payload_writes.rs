use crate::support::{Fixture, RETRY, claim};

const PAYLOAD: usize = 1 << 20;

#[test]
fn a_claim_writes_no_byte_of_a_large_payload() {
    let fixture = Fixture::new();
    let wal = fixture.folder.path().join("queue.db-wal");
    let length = || std::fs::metadata(&wal).unwrap().len();
    fixture.enqueue(&"x".repeat(PAYLOAD));
    let before = length();
    assert!(before > PAYLOAD as u64, "the payload was written once");
    let lease = fixture.claim_one();
    fixture.queue.extend(&lease, crate::support::LEASE).unwrap();
    fixture.queue.release(&lease).unwrap();
    let lease = fixture.claim_one();
    fixture.queue.fail(&lease, "no").unwrap();
    fixture.clock.advance(RETRY);
    let leases = fixture.queue.claim(&claim()).unwrap();
    assert_eq!(leases[0].payload().len(), PAYLOAD);
    assert!(length() - before < PAYLOAD as u64 / 4, "{} bytes were written", length() - before);
}
