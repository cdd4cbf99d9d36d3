//! Tasks enqueued together.

use prismq::NewTask;
use prismq::limits::ENQUEUE_BATCH_MAX;

use crate::support::{Fixture, ids, task};

#[test]
fn a_batch_is_enqueued_whole_or_not_at_all() {
    let fixture = Fixture::new();
    assert!(fixture.queue.enqueue_all([] as [NewTask; 0]).unwrap().is_empty());
    let invalid = [task("fine"), task("not fine").max_attempts(0)];
    assert!(fixture.queue.enqueue_all(&invalid).is_err());
    assert_eq!(fixture.queue.stats("default").unwrap().enqueued, 0);

    let ids = ids(fixture.queue.enqueue_all(vec![task("x"); ENQUEUE_BATCH_MAX]).unwrap());
    assert_eq!(ids.len(), ENQUEUE_BATCH_MAX);
    assert!(ids.is_sorted());
    let error = fixture.queue.enqueue_all(vec![task("x"); ENQUEUE_BATCH_MAX + 1]).unwrap_err();
    assert!(error.to_string().contains("more than 10000 tasks"), "{error}");
}
