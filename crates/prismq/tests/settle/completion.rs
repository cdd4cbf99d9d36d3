use crate::support::Fixture;
use prismq::State;

#[test]
fn a_task_goes_from_enqueue_to_complete() {
    let fixture = Fixture::new();
    let id = fixture.enqueue("hello");
    assert_eq!(fixture.queue.task(id).unwrap().unwrap().state, State::Ready);

    let lease = fixture.claim_one();
    assert_eq!((lease.id(), lease.payload(), lease.attempt()), (id, &b"hello"[..], 1));
    assert_eq!(fixture.queue.task(id).unwrap().unwrap().state, State::Leased);
    assert!(fixture.claim(1).is_empty(), "a leased task is not given twice");

    fixture.queue.complete(&lease).unwrap();
    assert_eq!(fixture.queue.task(id).unwrap(), None);
    let stats = fixture.queue.stats("default").unwrap();
    assert_eq!((stats.enqueued, stats.completed, stats.ready, stats.leased), (1, 1, 0, 0));
}
