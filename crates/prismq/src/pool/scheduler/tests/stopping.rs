//! How a pool ends, and what faults do to it.

use super::*;

#[test]
fn an_abandoned_pool_waits_for_what_others_may_have_claimed_for_it() {
    let mut pool = Pool::new(settings(1));
    pool.drained(false);
    assert_eq!(pool.scheduler.reserve(Some(0)), 1);
    pool.scheduler.drain(pool.now);
    pool.scheduler.abandon();
    assert!(matches!(pool.plan(), Plan::Wait { .. }));
    pool.scheduler.deliver(1, vec![(lease(1), 0)], 0, pool.now);
    assert_eq!(Pool::ids(&pool.batch()), [1]);
}

#[test]
fn a_shutdown_tries_once_more_after_a_fault_that_may_have_ended() {
    let mut pool = Pool::with_times(1, MS);
    pool.claimed([lease(1)]);
    pool.run(0, MS);
    let moved = || Error::Moved { path: "q".into() };
    pool.scheduler.fail(moved(), pool.now);
    pool.scheduler.drain(pool.now);
    assert!(!pool.scheduler.is_settled(None));
    let batch = pool.batch();
    assert_eq!(Pool::ids(&batch), [1]);
    pool.scheduler.settled(&[], batch.finished, None, pool.now);
    pool.scheduler.fail(moved(), pool.now);
    assert!(pool.scheduler.is_settled(None), "it has not ended");
}

#[test]
fn a_delivery_after_the_end_is_given_back() {
    let mut pool = Pool::new(settings(1));
    pool.drained(false);
    assert_eq!(pool.scheduler.reserve(Some(0)), 1);
    pool.scheduler.drain(pool.now);
    assert!(!pool.scheduler.is_settled(None));
    pool.scheduler.deliver(1, vec![(lease(1), 0)], 0, pool.now);
    assert_eq!(Pool::ids(&pool.batch()), [1]);
    pool.settled(MS);
    assert!(matches!(pool.plan(), Plan::Exit));
}

#[test]
fn a_fault_that_lasts_ends_the_pool() {
    let mut pool = Pool::with_times(2, MS);
    pool.claimed([lease(1), lease(2)]);
    pool.begin(0);
    let fault = pool.scheduler.fail(Error::Poisoned { cause: "sync".to_owned() }, pool.now);
    assert!(!fault.unwrap().may_end);
    assert!(!pool.scheduler.is_running() && pool.scheduler.has_stopped());
    assert!(matches!(pool.step(1), Step::Exit));
    assert!(matches!(pool.plan(), Plan::Exit));
}

#[test]
fn a_fault_that_may_end_suspends_the_pool_until_a_batch_is_accepted() {
    let mut pool = Pool::with_times(2, MS);
    pool.claimed([lease(1), lease(2)]);
    pool.begin(0);
    let too_new = Error::SchemaTooNew { path: "q".into(), found: 9, supported: 2 };
    let fault = pool.scheduler.fail(too_new.clone(), pool.now);
    assert!(fault.unwrap().may_end);
    assert!(pool.scheduler.fail(too_new, pool.now).is_none(), "it is reported once");
    assert!(matches!(pool.plan(), Plan::Wait { .. }), "it is not tried at once");
    assert!(!pool.scheduler.is_running() && !pool.scheduler.has_stopped());
    assert!(matches!(pool.step(1), Step::Wait), "what was held is not run");
    pool.now += Duration::from_secs(1);
    let batch = pool.batch();
    assert_eq!(
        (Pool::ids(&batch), batch.claim.is_some()),
        (vec![2], false),
        "settled before claims"
    );
    pool.settled(MS);
    assert!(pool.scheduler.recover());
    assert!(pool.scheduler.is_running() && pool.room().is_some());
}

#[test]
fn an_idle_pool_that_meets_a_fault_looks_by_a_claim_whether_it_has_ended() {
    let mut pool = Pool::new(settings(1));
    pool.drained(false);
    assert!(matches!(pool.plan(), Plan::Wait { .. }));
    pool.scheduler.fail(Error::Moved { path: "q".into() }, pool.now);
    assert_eq!(pool.room(), None, "not at once");
    pool.now += Duration::from_secs(1);
    assert!(pool.room().is_some());
}

#[test]
fn a_shutdown_gives_back_what_is_held_and_waits_for_what_runs() {
    let mut pool = Pool::with_times(2, MS);
    pool.claimed((1..=3).map(lease));
    let running = pool.begin(0);
    pool.scheduler.drain(pool.now);
    assert_eq!(Pool::ids(&pool.batch()), [2, 3]);
    pool.settled(MS);
    pool.plan();
    assert!(!pool.scheduler.is_settled(None));
    assert!(pool.scheduler.is_settled(Some(0)), "but for the handler that asks");
    assert_eq!(pool.scheduler.running(), [TaskId::from_i64(1)]);
    pool.finish(0, running, End::Complete, MS);
    assert_eq!(pool.scheduler.unsettled(), [TaskId::from_i64(1)]);
    let batch = pool.batch();
    assert_eq!(Pool::ids(&batch), [1]);
    assert_eq!(pool.scheduler.unsettled(), [TaskId::from_i64(1)], "until it is committed");
    assert!(!pool.scheduler.is_settled(None));
    pool.settled(MS);
    assert_eq!(pool.scheduler.unsettled(), []);
    assert!(matches!(pool.plan(), Plan::Exit));
}

#[test]
fn an_abandoned_pool_ends_when_its_leases_have_expired() {
    let mut pool = Pool::with_times(1, MS);
    pool.claimed([lease(1)]);
    pool.begin(0);
    pool.scheduler.drain(pool.now);
    pool.scheduler.abandon();
    assert!(matches!(pool.plan(), Plan::Wait { .. }));
    let beat = CLOCK.after(LEASE / leader_action::BEATS_PER_LEASE);
    let plan = pool.scheduler.plan(pool.now, beat, 0);
    assert!(matches!(plan, Plan::Wait { .. }), "leases are extended no more: {plan:?}");
    let expired = CLOCK.after(LEASE);
    assert!(matches!(pool.scheduler.plan(pool.now, expired, 0), Plan::Exit));
}

#[test]
fn a_pool_that_ends_has_nothing_claimed_for_it() {
    let mut pool = Pool::new(settings(1));
    pool.room();
    pool.scheduler.drain(pool.now);
    pool.drained(false);
    assert_eq!(pool.scheduler.reserve(Some(0)), 0);
}

#[test]
fn a_result_in_the_leaders_hands_is_not_settled_yet() {
    let mut pool = Pool::with_times(1, MS);
    pool.scheduler.events = crate::limits::EVENTS_MAX; // no claims
    pool.claimed([lease(1)]);
    pool.run(0, MS);
    pool.batch();
    pool.scheduler.drain(pool.now);
    assert!(!pool.scheduler.is_settled(None));
}

#[test]
fn a_shutdown_does_not_wait_for_what_a_fault_keeps_from_being_settled() {
    let mut pool = Pool::with_times(1, MS);
    pool.claimed([lease(1)]);
    pool.run(0, MS);
    pool.scheduler.drain(pool.now);
    assert!(!pool.scheduler.is_settled(None));
    let too_new = Error::SchemaTooNew { path: "q".into(), found: 9, supported: 2 };
    pool.scheduler.fail(too_new, pool.now);
    assert!(pool.scheduler.is_settled(None));
}

#[test]
fn what_no_handler_ran_is_named_until_it_is_given_back() {
    let held = |pool: &Pool| -> Vec<i64> {
        pool.scheduler.held_unrun().into_iter().map(TaskId::as_i64).collect()
    };
    let mut pool = Pool::with_times(1, MS);
    pool.claimed([lease(1), lease(2), lease(3)]);
    pool.begin(0);
    assert_eq!(held(&pool), [2, 3]);
    pool.scheduler.drain(pool.now);
    assert_eq!(held(&pool), [2, 3], "they wait for the leader");
    let batch = pool.batch();
    assert_eq!(held(&pool), [2, 3], "it is at the database");
    pool.scheduler.settled(&[], batch.finished, None, pool.now);
    assert_eq!(held(&pool), [2, 3], "it was refused");
    pool.batch();
    pool.settled(MS);
    assert!(held(&pool).is_empty() && pool.scheduler.unsettled().is_empty());
}
