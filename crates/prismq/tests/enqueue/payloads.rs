//! How payloads are stored: any bytes, of any size, written once.

use prismq::NewTask;

use crate::support::{Fixture, LEASE, RETRY, claim};

#[test]
fn large_payloads_are_returned_whole_and_deleted_with_their_task() {
    let fixture = Fixture::new();
    let sizes = [0, 1, 1024, 1025, 300_000];
    for size in sizes {
        let payload: Vec<u8> = (0..size).map(|index| (index % 251) as u8).collect();
        let id = fixture.queue.enqueue(NewTask::new("job", payload.clone())).unwrap().id();
        assert_eq!(fixture.queue.task(id).unwrap().unwrap().payload, payload);
        let lease = fixture.claim_one();
        assert_eq!(lease.payload(), payload);
        fixture.queue.complete(&lease).unwrap();
    }
    let file = rusqlite::Connection::open(fixture.path()).unwrap();
    let left: i64 =
        file.query_row("SELECT count(*) FROM prismq_payload", [], |row| row.get(0)).unwrap();
    assert_eq!(left, 0);
}

#[test]
fn a_payload_may_hold_any_bytes() {
    let fixture = Fixture::new();
    let bytes: Vec<u8> = (0..=255).chain([0, 0xFF, 0xFE, 0xC0, 0x80]).collect();
    fixture.queue.enqueue(NewTask::new("job", bytes.clone())).unwrap();
    assert_eq!(fixture.claim_one().payload(), bytes);
}

#[test]
fn claims_and_retries_do_not_rewrite_a_large_payload() {
    const PAYLOAD: usize = 1 << 20;
    let fixture = Fixture::new();
    fixture.enqueue(&"x".repeat(PAYLOAD));
    let before = fixture.wal_bytes();
    assert!(before > PAYLOAD as u64, "the payload was written once");
    let lease = fixture.claim_one();
    fixture.queue.extend(&lease, LEASE).unwrap();
    fixture.queue.release(&lease).unwrap();
    let lease = fixture.claim_one();
    fixture.queue.fail(&lease, "no").unwrap();
    fixture.clock.advance(RETRY);
    let leases = fixture.queue.claim(&claim()).unwrap();
    assert_eq!(leases[0].payload().len(), PAYLOAD);
    let written = fixture.wal_bytes() - before;
    assert!(written < PAYLOAD as u64 / 4, "{written} bytes were written");
}
