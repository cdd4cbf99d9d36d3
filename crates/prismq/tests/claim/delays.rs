use std::time::Duration;

use crate::support::{Fixture, task};
use prismq::{Clock, State};

#[test]
fn a_delayed_task_is_claimed_when_due_and_not_before() {
    let fixture = Fixture::new();
    let delay = Duration::from_secs(30);
    let id = fixture.queue.enqueue(&task("later").delay(delay)).unwrap();
    let stored = fixture.queue.task(id).unwrap().unwrap();
    assert_eq!(stored.state, State::Scheduled);
    assert_eq!(stored.run_at, fixture.clock.now().after(delay));

    fixture.clock.advance(delay - Duration::from_micros(1));
    assert!(fixture.claim(1).is_empty());
    fixture.clock.advance(Duration::from_micros(1));
    assert_eq!(fixture.claimed(1), ["later"]);
    assert_eq!(fixture.queue.stats("default").unwrap().scheduled, 0);
}
