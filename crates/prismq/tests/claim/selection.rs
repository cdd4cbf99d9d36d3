//! The bound of a claim in bytes of payload.

use prismq::limits::CLAIM_BYTES_MAX;
use prismq::{Lease, TaskId};

use crate::support::Fixture;

fn ids(leases: &[Lease]) -> Vec<TaskId> {
    leases.iter().map(Lease::id).collect()
}

#[test]
fn a_claim_gives_as_many_first_tasks_as_fit() {
    let fixture = Fixture::new();
    let enqueue = |bytes: usize| fixture.enqueue(&"x".repeat(bytes));
    let tasks = [CLAIM_BYTES_MAX / 2 + 1, CLAIM_BYTES_MAX / 2 + 1, 10].map(enqueue);
    assert_eq!(ids(&fixture.claim(9)), tasks[..1]);
    let stats = fixture.queue.stats("default").unwrap();
    assert_eq!((stats.ready, stats.leased), (2, 1));
    assert_eq!(ids(&fixture.claim(9)), tasks[1..]);
}
