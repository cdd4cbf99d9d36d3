//! Suspects, one at a time.

use super::*;

#[test]
fn a_suspect_runs_once_its_beginning_is_noted() {
    let mut pool = Pool::with_times(2, MS);
    assert_eq!(pool.room().unwrap().suspects, 1);
    pool.scheduler.claimed(vec![(suspect(1), 0), (lease(2), 0)], None, true, pool.now);
    assert_eq!(pool.step(0).ran(), Some(2), "others need not wait");
    let batch = pool.batch();
    assert_eq!(batch.begin, Some(suspect(1).key));
    assert!(matches!(pool.step(1), Step::Wait));
    pool.scheduler.suspect_begun(suspect(1).key);
    assert_eq!(pool.step(1).ran(), Some(1));
}

#[test]
fn suspects_run_one_at_a_time_whatever_the_number_of_pools() {
    let gate: Arc<SuspectGate> = Arc::default();
    let pool = || Pool::new(Settings { gate: gate.clone(), ..settings(2) });
    let (mut first, mut second) = (pool(), pool());
    assert_eq!(first.room().unwrap().suspects, 1);
    first.scheduler.claimed(vec![(suspect(1), 0)], None, true, first.now);
    first.scheduler.suspect_begun(suspect(1).key);
    let lease = first.begin(0);
    assert_eq!(first.room().unwrap().suspects, 0);
    assert_eq!(second.room().unwrap().suspects, 0);
    second.drained(true);
    assert_eq!(second.room(), None);
    let seen = second.scheduler.signal.count();
    first.finish(0, lease, End::Complete, MS);
    assert!(second.scheduler.signal.count() > seen, "the other is called");
    assert_eq!(second.room().unwrap().suspects, 1);
}

#[test]
fn the_next_suspect_is_claimed_when_the_last_has_ended() {
    let mut pool = Pool::new(settings(2));
    pool.room();
    let drained =
        Drained { seen: 0, clock: CLOCK, version: 1, next_due: None, without_suspects: false };
    pool.scheduler.claimed(vec![(suspect(1), 0)], Some(drained), true, pool.now);
    pool.scheduler.suspect_begun(suspect(1).key);
    let lease = pool.begin(0);
    assert_eq!(pool.room(), None, "others would have to wait for it");
    pool.finish(0, lease, End::Complete, MS);
    assert_eq!(pool.room().unwrap().suspects, 1);
}

#[test]
fn a_claim_that_brings_no_suspect_leaves_the_permit_to_others() {
    let mut pool = Pool::new(settings(1));
    assert_eq!(pool.room().unwrap().suspects, 1);
    assert!(pool.scheduler.settings.gate.is_taken());
    pool.scheduler.claimed(vec![(lease(1), 0)], None, true, pool.now);
    assert!(!pool.scheduler.settings.gate.is_taken());
}

#[test]
fn a_suspect_that_runs_long_keeps_others_waiting_for_a_bounded_time() {
    let mut pool = Pool::new(settings(2));
    pool.room();
    pool.scheduler.claimed(vec![(suspect(1), 0)], None, true, pool.now);
    pool.scheduler.suspect_begun(suspect(1).key);
    let lease = pool.begin(0);
    pool.now += SUSPECT_ALONE;
    assert_eq!(pool.room().unwrap().suspects, 1, "another may run");
    pool.scheduler.claimed(vec![(suspect(2), 0)], None, true, pool.now);
    pool.scheduler.suspect_begun(suspect(2).key);
    pool.begin(1);
    pool.finish(0, lease, End::Complete, SUSPECT_ALONE);
    assert!(pool.scheduler.settings.gate.is_taken(), "the permit is the other's");
}

/// A pool whose one worker runs a suspect.
fn with_suspect(gate: &Arc<SuspectGate>) -> (Pool, Lease) {
    let mut pool = Pool::new(Settings { gate: gate.clone(), ..settings(1) });
    assert_eq!(pool.room().unwrap().suspects, 1);
    pool.scheduler.claimed(vec![(suspect(1), 0)], None, true, pool.now);
    pool.scheduler.suspect_begun(suspect(1).key);
    let lease = pool.begin(0);
    assert!(gate.is_taken());
    (pool, lease)
}

#[test]
fn a_suspect_keeps_no_other_pool_waiting_once_it_ran_long_or_its_pool_ended() {
    let gate: Arc<SuspectGate> = Arc::default();
    let (mut long, _) = with_suspect(&gate);
    long.now += SUSPECT_ALONE;
    long.plan();
    assert!(!gate.is_taken());

    let gate: Arc<SuspectGate> = Arc::default();
    let (mut ended, _) = with_suspect(&gate);
    ended.scheduler.fail(Error::Poisoned { cause: "sync".to_owned() }, ended.now);
    assert!(!gate.is_taken());
}

#[test]
fn a_suspect_that_is_lost_before_it_begins_keeps_none_waiting() {
    let mut pool = Pool::new(settings(1));
    pool.room();
    pool.scheduler.claimed(vec![(suspect(1), 0)], None, true, pool.now);
    assert!(pool.scheduler.lost(suspect(1).key).is_some());
    assert!(!pool.scheduler.settings.gate.is_taken());
}
