use std::thread;
use std::time::Duration;

use crate::support::{Fixture, LEASE, wait_until};

/// A lease once ran from the moment the claim was asked for: after a wait for other processes it was as
/// much shorter, or over before it began, and another process took the task while it looked held.
#[test]
fn a_lease_begins_when_the_claim_may_write() {
    let fixture = Fixture::new();
    fixture.enqueue("task");
    let other = rusqlite::Connection::open(fixture.path()).unwrap();
    other.execute_batch("BEGIN IMMEDIATE").unwrap();
    let lease = thread::scope(|scope| {
        let claimed = scope.spawn(|| fixture.claim_one());
        wait_until(|| fixture.queue.contention().busy_waits > 0);
        fixture.clock.advance(Duration::from_secs(30));
        other.execute_batch("ROLLBACK").unwrap();
        claimed.join().unwrap()
    });
    let now = prismq::Clock::now(&*fixture.clock);
    assert_eq!(lease.expires_at(), now.after(LEASE));
}
