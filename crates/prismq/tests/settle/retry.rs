use crate::support::{Fixture, RETRY};
use prismq::State;

#[test]
fn a_failed_attempt_is_retried_after_its_backoff() {
    let fixture = Fixture::new();
    let id = fixture.enqueue("flaky");
    let first = fixture.claim_one();
    assert_eq!(fixture.queue.fail(&first, "out of luck").unwrap(), State::Scheduled);
    let stored = fixture.queue.task(id).unwrap().unwrap();
    assert_eq!(stored.error.as_deref(), Some("out of luck"));
    assert!(fixture.claim(1).is_empty(), "it waits for its backoff");

    fixture.clock.advance(RETRY);
    let second = fixture.claim_one();
    assert_eq!((second.id(), second.attempt()), (id, 2));
    assert!(second.token() > first.token());
    let stats = fixture.queue.stats("default").unwrap();
    assert_eq!((stats.failed, stats.scheduled, stats.leased), (1, 0, 1));
}
