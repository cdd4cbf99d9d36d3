//! Which operations share a transaction, and which wait for room in the queue.

use super::*;
use crate::commit::pending::{GROUP_BYTES_MAX, GROUP_OPERATIONS_MAX, PENDING_OPERATIONS_MAX};

#[test]
fn operations_that_arrive_during_a_commit_are_the_next_group() {
    let fixture = fixture(Duration::ZERO);
    let first = fixture.caller(1);
    assert_eq!(fixture.next_group(), 1);
    let followers: Vec<_> = (0..5).map(|_| fixture.caller(2)).collect();
    fixture.wait_for_pending(10);
    fixture.answer(Ok(()));
    assert_eq!(fixture.next_group(), 10);
    fixture.answer(Ok(()));
    assert_eq!(first.answers().len(), 1);
    for follower in followers {
        let answers = follower.answers();
        assert_eq!(answers.len(), 2);
        assert!(answers.iter().all(Result::is_ok));
    }
    assert!(!fixture.committer.pending.lock().leading);
}

/// Otherwise the first caller would be a group of its own, and the others would wait for its commit.
#[test]
fn callers_that_come_back_after_their_answers_share_a_group() {
    let fixture = fixture(Duration::ZERO);
    let started = Instant::now();
    let mut first = 0;
    // A thread may start later than the leader waits.
    while first != 3 {
        assert!(started.elapsed() < PATIENCE, "the first to come does not wait for the others");
        fixture.committer.pending.committed(3, PATIENCE);
        let callers = [1; 3].map(|operations| fixture.caller(operations));
        first = fixture.next_group();
        (0..3).for_each(|_| fixture.answer(Ok(())));
        callers.into_iter().for_each(|caller| drop(caller.answers()));
        fixture.groups();
    }
}

#[test]
fn a_group_is_bounded_in_operations() {
    let fixture = fixture(Duration::ZERO);
    let first = fixture.caller(1);
    fixture.next_group();
    let followers: Vec<_> = (0..3).map(|_| fixture.caller(GROUP_OPERATIONS_MAX / 2)).collect();
    fixture.wait_for_pending(GROUP_OPERATIONS_MAX / 2 * 3);
    for expected in [GROUP_OPERATIONS_MAX / 2 * 2, GROUP_OPERATIONS_MAX / 2] {
        fixture.answer(Ok(()));
        assert_eq!(fixture.next_group(), expected);
    }
    fixture.answer(Ok(()));
    first.answers();
    followers.into_iter().for_each(|follower| drop(follower.answers()));
}

#[test]
fn a_full_submission_queue_answers_overloaded_and_does_not_grow() {
    let fixture = fixture(Duration::ZERO);
    let first = fixture.caller(1);
    fixture.next_group();
    let second = fixture.caller(PENDING_OPERATIONS_MAX);
    fixture.wait_for_pending(PENDING_OPERATIONS_MAX);
    let refused = fixture.submit(1);
    assert!(matches!(refused.as_slice(), [Err(Error::Overloaded { .. })]), "{refused:?}");
    fixture.answer(Ok(()));
    fixture.answer(Ok(()));
    first.answers();
    // Larger than a group, it is applied alone.
    assert_eq!(second.answers().len(), PENDING_OPERATIONS_MAX);
    assert!(!fixture.committer.pending.lock().leading);
}

#[test]
fn a_submission_larger_than_the_queue_is_applied_when_nothing_is_pending() {
    let fixture = fixture(Duration::ZERO);
    fixture.answer(Ok(()));
    let answers = fixture.submit(PENDING_OPERATIONS_MAX + 1);
    assert!(answers.iter().all(Result::is_ok));
}

#[test]
fn a_group_is_bounded_in_bytes_and_frees_its_room_in_the_queue() {
    let fixture = fixture(Duration::ZERO);
    let first = fixture.caller(1);
    fixture.next_group();
    let large = || Operation::Enqueue(vec![NewTask::new("t", vec![0; GROUP_BYTES_MAX / 2 + 1])]);
    let followers: Vec<_> = (0..2).map(|_| fixture.caller_of(vec![large()])).collect();
    fixture.wait_for_pending(2);
    for _ in 0..2 {
        fixture.answer(Ok(()));
        assert_eq!(fixture.next_group(), 1);
    }
    fixture.answer(Ok(()));
    first.answers();
    followers.into_iter().for_each(|follower| drop(follower.answers()));
    let pending = fixture.committer.pending.lock();
    assert_eq!((pending.operations, pending.bytes), (0, 0));
}

/// Three callers, of which the first two fill the queue and the third waits for room.
fn waiting_for_room(fixture: &Fixture) -> [Caller; 3] {
    let first = fixture.caller(1);
    fixture.next_group();
    let second = fixture.caller(PENDING_OPERATIONS_MAX);
    fixture.wait_for_pending(PENDING_OPERATIONS_MAX);
    let third = fixture.caller(1);
    // It is about to wait; if it comes later, it finds the same state.
    (0..1000).for_each(|_| thread::yield_now());
    [first, second, third]
}

#[test]
fn a_caller_that_waits_for_room_is_applied_when_there_is_some() {
    let fixture = fixture(Duration::from_secs(3600));
    let callers = waiting_for_room(&fixture);
    (0..3).for_each(|_| fixture.answer(Ok(())));
    for caller in callers {
        assert!(caller.answers().iter().all(Result::is_ok));
    }
}

#[test]
fn a_caller_that_waits_for_room_is_answered_when_the_queue_is_poisoned() {
    let fixture = fixture(Duration::from_secs(3600));
    let pool = idle_pool(&fixture, 0);
    let callers = waiting_for_room(&fixture);
    fixture.answer(Err(poisoned("fsync failed")));
    for caller in callers {
        let answers = caller.answers();
        assert!(answers.iter().all(|answer| matches!(answer, Err(Error::Poisoned { .. }))));
    }
    assert_eq!(pool.take_arrivals(), 1, "idle pools are woken");
}
