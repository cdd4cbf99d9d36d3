//! What becomes of a group whose transaction failed.

use super::*;
use crate::commit::pending::GROUP_OPERATIONS_MAX;

#[test]
fn a_busy_group_is_not_applied_one_by_one() {
    let scene = scene(Duration::ZERO);
    let busy = Err(Error::Busy { waited: Duration::ZERO });
    for answer in [busy, Ok(()), Ok(()), Ok(())] {
        scene.go.send(answer).unwrap();
    }
    let answers = scene.committer.submit(vec![enqueue(); 3]);
    assert_eq!(scene.groups.try_iter().collect::<Vec<_>>(), [3]);
    assert!(answers.iter().all(|answer| matches!(answer, Err(Error::Busy { .. }))));
}

#[test]
fn a_failed_sync_fails_its_group_and_everyone_after_it() {
    let scene = scene(Duration::ZERO);
    let first = scene.caller(1);
    scene.groups.recv().unwrap();
    let second = scene.caller(1);
    scene.wait_for_pending(1);
    scene.go.send(Err(poisoned("a write failed"))).unwrap();
    for caller in [first, second] {
        let answers = caller.join().unwrap();
        assert!(matches!(answers.as_slice(), [Err(Error::Poisoned { .. })]), "{answers:?}");
    }
    let later = scene.committer.submit(vec![enqueue()]);
    assert!(matches!(later.as_slice(), [Err(Error::Poisoned { .. })]), "{later:?}");
    assert_eq!(scene.groups.try_iter().count(), 0, "nothing more is applied");
}

#[test]
fn a_panic_of_the_engine_answers_its_group_and_all_who_wait() {
    let scene = scene(Duration::ZERO);
    let first = scene.caller(1);
    scene.groups.recv().unwrap();
    // More than one group holds.
    let followers: Vec<_> = (0..5).map(|_| scene.caller(GROUP_OPERATIONS_MAX / 2)).collect();
    scene.wait_for_pending(GROUP_OPERATIONS_MAX / 2 * 5);
    drop(scene.go);
    for caller in [first].into_iter().chain(followers) {
        let answers = caller.join().unwrap();
        let poisoned = |answer| matches!(answer, &Err(Error::Poisoned { .. }));
        assert!(answers.iter().all(poisoned), "{answers:?}");
    }
    let later = scene.committer.submit(vec![enqueue()]);
    assert!(matches!(later.as_slice(), [Err(Error::Poisoned { .. })]), "{later:?}");
    assert_eq!(scene.groups.try_iter().count(), 0, "nothing more is applied");
}

#[test]
fn a_refused_group_is_applied_again_one_by_one() {
    let scene = scene(Duration::ZERO);
    let full = || Err(Error::Full { reason: "disk".to_owned() });
    for answer in [full(), Ok(()), full(), Ok(())] {
        scene.go.send(answer).unwrap();
    }
    let answers = scene.committer.submit(vec![enqueue(); 3]);
    assert_eq!(scene.groups.try_iter().collect::<Vec<_>>(), [3, 1, 1, 1]);
    assert!(matches!(answers.as_slice(), [Ok(_), Err(Error::Full { .. }), Ok(_)]));
}

#[test]
fn a_failed_sync_stops_the_rest_of_a_group_that_is_applied_one_by_one() {
    let scene = scene(Duration::ZERO);
    let full = Err(Error::Full { reason: "disk".to_owned() });
    for answer in [full, Ok(()), Err(poisoned("fsync failed")), Ok(()), Ok(())] {
        scene.go.send(answer).unwrap();
    }
    let answers = scene.committer.submit(vec![enqueue(); 4]);
    assert_eq!(scene.groups.try_iter().collect::<Vec<_>>(), [4, 1, 1], "nothing more is applied");
    let [Ok(_), rest @ ..] = answers.as_slice() else { panic!("{answers:?}") };
    assert!(rest.iter().all(|answer| matches!(answer, Err(Error::Poisoned { .. }))), "{answers:?}");
}
