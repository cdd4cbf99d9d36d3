use crate::support::{Fixture, RETRY, task};
use prismq::State;

#[test]
fn a_task_is_dead_after_its_last_attempt() {
    let fixture = Fixture::new();
    let id = fixture.queue.enqueue(&task("hopeless").max_attempts(2)).unwrap();
    assert_eq!(fixture.queue.fail(&fixture.claim_one(), "first").unwrap(), State::Scheduled);
    fixture.clock.advance(RETRY);
    assert_eq!(fixture.queue.fail(&fixture.claim_one(), "second").unwrap(), State::Dead);

    fixture.clock.advance(RETRY * 1000);
    assert!(fixture.claim(1).is_empty());
    let stored = fixture.queue.task(id).unwrap().unwrap();
    assert_eq!((stored.state, stored.error.as_deref()), (State::Dead, Some("second")));
    assert_eq!(fixture.queue.stats("default").unwrap().dead, 1);
}
