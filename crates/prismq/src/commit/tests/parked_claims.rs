//! Claims of pools that ride on the transactions of others, where these fail.

use std::path::PathBuf;

use super::*;

/// One that claims in the transactions of this scene.
fn idle(scene: &Scene) -> Arc<Idle> {
    let idle = Idle::with_room(1);
    let claimer: Arc<dyn Claimer> = idle.clone();
    scene.committer.add_claimer(Arc::downgrade(&claimer));
    idle
}

#[test]
fn a_claim_that_fails_does_not_fail_the_enqueue_it_rides_on() {
    let scene = scene(Duration::ZERO);
    for error in [
        Error::Corrupt { path: PathBuf::new(), reason: "a row".to_owned() },
        Error::Full { reason: "disk".to_owned() },
        Error::InvalidInput { what: "any", reason: "error".to_owned() },
    ] {
        let idle = Idle::with_room(1);
        let claimer: Arc<dyn Claimer> = idle.clone();
        scene.committer.add_claimer(Arc::downgrade(&claimer));
        scene.go.send(Err(error)).unwrap();
        scene.go.send(Ok(())).unwrap();
        let answers = scene.committer.submit(vec![enqueue()]);
        assert!(answers.iter().all(Result::is_ok), "{answers:?}");
        assert_eq!(scene.groups.try_iter().collect::<Vec<_>>(), [2, 1]);
        assert_eq!(idle.given(), 0);
    }
}

#[test]
fn a_claim_for_an_idle_pool_that_fails_fails_nobody_else() {
    let scene = scene(Duration::ZERO);
    let idle = idle(&scene);
    for answer in [Err(Error::Full { reason: "disk".to_owned() }), Ok(())] {
        scene.go.send(answer).unwrap();
    }
    let answers = scene.committer.submit(vec![enqueue()]);
    assert_eq!(scene.groups.try_iter().collect::<Vec<_>>(), [2, 1], "again without the claim");
    assert!(matches!(answers.as_slice(), [Ok(_)]), "{answers:?}");
    assert_eq!(*idle.kept.lock().unwrap(), 1);
}

#[test]
fn a_reservation_ends_where_the_transaction_fails() {
    let scene = scene(Duration::ZERO);
    let idle = idle(&scene);
    scene.go.send(Err(Error::Busy { waited: Duration::ZERO })).unwrap();
    let answers = scene.committer.submit(vec![enqueue()]);
    assert!(matches!(answers.as_slice(), [Err(Error::Busy { .. })]), "{answers:?}");
    assert_eq!((*idle.kept.lock().unwrap(), idle.given()), (1, 0));
}
