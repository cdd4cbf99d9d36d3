use std::time::Duration;

use crate::support::Fixture;
use prismq::{State, TaskError};

#[test]
fn a_failure_may_name_its_own_delay() {
    let fixture = Fixture::new();
    fixture.enqueue("throttled");
    let wait = Duration::from_secs(3600);
    let lease = fixture.claim_one();
    fixture.queue.fail(&lease, TaskError::new("429").retry_after(wait)).unwrap();
    fixture.clock.advance(wait - Duration::from_micros(1));
    assert!(fixture.claim(1).is_empty());
    fixture.clock.advance(Duration::from_micros(1));
    let lease = fixture.claim_one();
    let again = TaskError::new("at once").retry_after(Duration::ZERO);
    assert_eq!(fixture.queue.fail(&lease, again).unwrap(), State::Ready);
}
