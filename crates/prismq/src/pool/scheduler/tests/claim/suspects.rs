//! Suspects, one at a time.

use super::*;

#[test]
fn a_suspect_runs_once_its_beginning_is_committed() {
    let mut pool = Pool::with_times(2, MS);
    assert_eq!(pool.request().unwrap().suspects, 1);
    pool.scheduler.accept_claim(vec![(suspect(1), 0), (lease(2), 0)], None, true, pool.now);
    assert_eq!(pool.action(0).task_id(), Some(2), "others need not wait");
    let batch = pool.batch();
    assert_eq!(batch.begin, Some(suspect(1).key));
    assert!(matches!(pool.action(1), WorkerAction::Wait));
    pool.scheduler.begin_committed(suspect(1).key);
    assert_eq!(pool.action(1).task_id(), Some(1));
}

#[test]
fn suspects_of_all_pools_run_one_at_a_time() {
    let gate: Arc<SuspectGate> = Arc::default();
    let pool = || Pool::new(Settings { gate: gate.clone(), ..settings(2) });
    let (mut first, mut second) = (pool(), pool());
    assert_eq!(first.request().unwrap().suspects, 1);
    first.scheduler.accept_claim(vec![(suspect(1), 0)], None, true, first.now);
    first.scheduler.begin_committed(suspect(1).key);
    let lease = first.begin(0);
    assert_eq!(first.request().unwrap().suspects, 0);
    assert_eq!(second.request().unwrap().suspects, 0);
    second.becomes_idle(true);
    assert_eq!(second.request(), None);
    let seen = second.signal.count();
    first.finish(0, lease, Settle::Complete(None), MS);
    assert!(second.signal.count() > seen, "the other is called");
    assert_eq!(second.request().unwrap().suspects, 1);
}

#[test]
fn the_next_suspect_is_claimed_when_the_last_has_ended() {
    let mut pool = Pool::new(settings(2));
    pool.request();
    let drained = ShortClaim {
        work_signal: 0,
        clock: CLOCK,
        version: 1,
        next_due: None,
        without_suspects: false,
        limited_left: false,
        bounded_left: false,
        ready_left: false,
    };
    pool.scheduler.accept_claim(vec![(suspect(1), 0)], Some(drained), true, pool.now);
    pool.scheduler.begin_committed(suspect(1).key);
    let lease = pool.begin(0);
    assert_eq!(pool.request(), None, "others would have to wait for it");
    pool.finish(0, lease, Settle::Complete(None), MS);
    assert_eq!(pool.request().unwrap().suspects, 1);
}

#[test]
fn a_claim_that_returns_no_suspect_leaves_the_permit_to_others() {
    let mut pool = Pool::new(settings(1));
    assert_eq!(pool.request().unwrap().suspects, 1);
    assert!(pool.scheduler.suspects.one_runs_in_process());
    pool.scheduler.accept_claim(vec![(lease(1), 0)], None, true, pool.now);
    assert!(!pool.scheduler.suspects.one_runs_in_process());
}

#[test]
fn a_suspect_that_runs_long_keeps_others_waiting_for_a_bounded_time() {
    let mut pool = Pool::new(settings(2));
    pool.request();
    pool.scheduler.accept_claim(vec![(suspect(1), 0)], None, true, pool.now);
    pool.scheduler.begin_committed(suspect(1).key);
    let lease = pool.begin(0);
    pool.now += SUSPECT_ALONE;
    assert_eq!(pool.request().unwrap().suspects, 1, "another may run");
    pool.scheduler.accept_claim(vec![(suspect(2), 0)], None, true, pool.now);
    pool.scheduler.begin_committed(suspect(2).key);
    pool.begin(1);
    pool.finish(0, lease, Settle::Complete(None), SUSPECT_ALONE);
    assert!(pool.scheduler.suspects.one_runs_in_process(), "the permit is the other's");
}

/// A pool whose one worker runs a suspect.
fn with_suspect(gate: &Arc<SuspectGate>) -> (Pool, Lease) {
    let mut pool = Pool::new(Settings { gate: gate.clone(), ..settings(1) });
    assert_eq!(pool.request().unwrap().suspects, 1);
    pool.scheduler.accept_claim(vec![(suspect(1), 0)], None, true, pool.now);
    pool.scheduler.begin_committed(suspect(1).key);
    let lease = pool.begin(0);
    assert!(gate.is_taken());
    (pool, lease)
}

#[test]
fn a_suspect_that_ran_long_or_whose_pool_ended_keeps_no_other_pool_waiting() {
    let gate: Arc<SuspectGate> = Arc::default();
    let (mut long, _) = with_suspect(&gate);
    long.now += SUSPECT_ALONE;
    long.leader_action();
    assert!(!gate.is_taken());

    let gate: Arc<SuspectGate> = Arc::default();
    let (mut ended, _) = with_suspect(&gate);
    ended.scheduler.fail(Error::Poisoned { cause: "sync".to_owned() }, ended.now);
    assert!(!gate.is_taken());
}

#[test]
fn a_suspect_that_is_lost_before_it_begins_keeps_none_waiting() {
    let mut pool = Pool::new(settings(1));
    pool.request();
    pool.scheduler.accept_claim(vec![(suspect(1), 0)], None, true, pool.now);
    assert!(pool.scheduler.lease_lost(suspect(1).key, pool.now).is_some());
    assert!(!pool.scheduler.suspects.one_runs_in_process());
}
