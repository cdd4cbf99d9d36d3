//! A completed task.

use prismq::State;

use crate::support::Fixture;

#[test]
fn a_task_is_ready_then_leased_then_completed() {
    let fixture = Fixture::new();
    let id = fixture.enqueue("hello");
    assert_eq!(fixture.queue.task(id).unwrap().unwrap().state, State::Ready);

    let lease = fixture.claim_one();
    assert_eq!((lease.id(), lease.payload(), lease.attempt()), (id, &b"hello"[..], 1));
    assert_eq!(fixture.queue.task(id).unwrap().unwrap().state, State::Leased);
    assert!(fixture.claim(1).is_empty(), "a leased task is not claimed again");

    fixture.queue.complete(&lease).unwrap();
    assert_eq!(fixture.queue.task(id).unwrap(), None);
    let stats = fixture.queue.stats("default").unwrap();
    assert_eq!((stats.enqueued, stats.completed, stats.ready, stats.leased), (1, 1, 0, 0));
}
