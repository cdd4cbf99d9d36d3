use crate::support::{Fixture, task};

#[test]
fn a_claim_takes_lower_priorities_first_then_older_tasks() {
    let fixture = Fixture::new();
    for (payload, priority) in [("c", 100), ("e", 101), ("a", -5), ("d", 100), ("b", 0)] {
        fixture.queue.enqueue(&task(payload).priority(priority)).unwrap();
    }
    assert_eq!(fixture.claimed(2), ["a", "b"]);
    assert_eq!(fixture.claimed(10), ["c", "d", "e"]);
}
