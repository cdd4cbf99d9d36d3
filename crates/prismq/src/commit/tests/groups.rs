//! Which operations share a transaction, and who waits for room.

use std::time::Instant;

use super::*;
use crate::commit::pending::{GROUP_BYTES_MAX, GROUP_OPERATIONS_MAX, PENDING_OPERATIONS_MAX};

#[test]
fn what_arrives_during_a_commit_is_the_next_group() {
    let scene = scene(Duration::ZERO);
    let first = scene.caller(1);
    assert_eq!(scene.groups.recv().unwrap(), 1);
    let followers: Vec<_> = (0..5).map(|_| scene.caller(2)).collect();
    scene.wait_for_pending(10);
    scene.go.send(Ok(())).unwrap();
    assert_eq!(scene.groups.recv().unwrap(), 10);
    scene.go.send(Ok(())).unwrap();
    assert_eq!(first.join().unwrap().len(), 1);
    for follower in followers {
        let answers = follower.join().unwrap();
        assert_eq!(answers.len(), 2);
        assert!(answers.iter().all(Result::is_ok));
    }
    assert!(!scene.committer.pending.lock().leading);
}

#[test]
fn a_group_is_bounded() {
    let scene = scene(Duration::ZERO);
    let first = scene.caller(1);
    scene.groups.recv().unwrap();
    let followers: Vec<_> = (0..3).map(|_| scene.caller(GROUP_OPERATIONS_MAX / 2)).collect();
    scene.wait_for_pending(GROUP_OPERATIONS_MAX / 2 * 3);
    for expected in [GROUP_OPERATIONS_MAX / 2 * 2, GROUP_OPERATIONS_MAX / 2] {
        scene.go.send(Ok(())).unwrap();
        assert_eq!(scene.groups.recv().unwrap(), expected);
    }
    scene.go.send(Ok(())).unwrap();
    first.join().unwrap();
    followers.into_iter().for_each(|follower| drop(follower.join().unwrap()));
}

#[test]
fn a_full_queue_answers_overloaded_and_never_grows() {
    let scene = scene(Duration::ZERO);
    let first = scene.caller(1);
    scene.groups.recv().unwrap();
    let second = scene.caller(PENDING_OPERATIONS_MAX);
    scene.wait_for_pending(PENDING_OPERATIONS_MAX);
    let refused = scene.committer.submit(vec![enqueue()]);
    assert!(matches!(refused.as_slice(), [Err(Error::Overloaded { .. })]), "{refused:?}");
    scene.go.send(Ok(())).unwrap();
    scene.go.send(Ok(())).unwrap();
    first.join().unwrap();
    // Larger than a group, it went alone.
    assert_eq!(second.join().unwrap().len(), PENDING_OPERATIONS_MAX);
    assert!(!scene.committer.pending.lock().leading);
}

#[test]
fn what_is_larger_than_all_the_room_goes_when_nothing_waits() {
    let scene = scene(Duration::ZERO);
    scene.go.send(Ok(())).unwrap();
    let answers = scene.committer.submit(vec![enqueue(); PENDING_OPERATIONS_MAX + 1]);
    assert!(answers.iter().all(Result::is_ok));
}

#[test]
fn a_group_is_bounded_in_bytes_and_what_was_applied_leaves_its_room() {
    let scene = scene(Duration::ZERO);
    let first = scene.caller(1);
    scene.groups.recv().unwrap();
    let large = || Operation::Enqueue(vec![NewTask::new("t", vec![0; GROUP_BYTES_MAX / 2 + 1])]);
    let followers: Vec<_> = (0..2)
        .map(|_| {
            let (committer, operation) = (scene.committer.clone(), large());
            thread::spawn(move || committer.submit(vec![operation]))
        })
        .collect();
    scene.wait_for_pending(2);
    for _ in 0..2 {
        scene.go.send(Ok(())).unwrap();
        assert_eq!(scene.groups.recv().unwrap(), 1);
    }
    scene.go.send(Ok(())).unwrap();
    first.join().unwrap();
    followers.into_iter().for_each(|follower| drop(follower.join().unwrap()));
    let pending = scene.committer.pending.lock();
    assert_eq!((pending.operations, pending.bytes), (0, 0));
}

/// A caller that waits for room while the queue is full: first and second are what fills it.
fn waits_for_room(scene: &Scene) -> [thread::JoinHandle<Answers>; 3] {
    let first = scene.caller(1);
    scene.groups.recv().unwrap();
    let second = scene.caller(PENDING_OPERATIONS_MAX);
    scene.wait_for_pending(PENDING_OPERATIONS_MAX);
    let third = scene.caller(1);
    // It is about to wait; should it come later, it finds the same.
    (0..1000).for_each(|_| thread::yield_now());
    [first, second, third]
}

/// What a caller is answered, within a bounded time.
fn answers_of(caller: thread::JoinHandle<Answers>) -> Answers {
    let started = Instant::now();
    while !caller.is_finished() {
        assert!(started.elapsed() < PATIENCE, "a caller is not answered");
        thread::yield_now();
    }
    caller.join().unwrap()
}

#[test]
fn a_caller_that_waits_for_room_goes_on_when_there_is_some() {
    let scene = scene(Duration::from_secs(3600));
    let callers = waits_for_room(&scene);
    (0..3).for_each(|_| scene.go.send(Ok(())).unwrap());
    for caller in callers {
        assert!(answers_of(caller).iter().all(Result::is_ok));
    }
}

#[test]
fn a_caller_that_waits_for_room_is_answered_when_the_queue_is_poisoned() {
    let scene = scene(Duration::from_secs(3600));
    let work = scene.committer.work.count();
    let callers = waits_for_room(&scene);
    scene.go.send(Err(poisoned("fsync failed"))).unwrap();
    for caller in callers {
        let answers = answers_of(caller);
        assert!(answers.iter().all(|answer| matches!(answer, Err(Error::Poisoned { .. }))));
    }
    assert!(scene.committer.work.count() > work, "idle pools learn of it");
}
