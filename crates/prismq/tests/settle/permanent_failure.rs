use crate::support::Fixture;
use prismq::{State, TaskError};

#[test]
fn a_permanent_failure_is_dead_at_once() {
    let fixture = Fixture::new();
    fixture.enqueue("malformed");
    let lease = fixture.claim_one();
    let state = fixture.queue.fail(&lease, TaskError::permanent("not a picture")).unwrap();
    assert_eq!(state, State::Dead);
}
