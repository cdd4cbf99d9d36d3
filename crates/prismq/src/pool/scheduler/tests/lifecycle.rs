//! How a pool ends, and what faults do to it.

use super::*;
use crate::pool::handler::CancelReason;

#[test]
fn a_shutdown_releases_ready_tasks_and_waits_for_running_ones() {
    let mut pool = Pool::with_times(2, MS);
    pool.claimed((1..=3).map(lease));
    let running = pool.begin(0);
    pool.scheduler.drain(pool.now);
    assert_eq!(Pool::ids(&pool.batch()), [2, 3]);
    pool.settled(MS);
    pool.leader_action();
    assert!(!pool.scheduler.is_settled(None));
    assert!(pool.scheduler.is_settled(Some(0)), "but for the handler that asks");
    assert_eq!(pool.scheduler.running(), [TaskId::from_i64(1)]);
    pool.finish(0, running, Settle::Complete(None), MS);
    assert_eq!(pool.scheduler.unsettled(), [TaskId::from_i64(1)]);
    let batch = pool.batch();
    assert_eq!(Pool::ids(&batch), [1]);
    assert_eq!(pool.scheduler.unsettled(), [TaskId::from_i64(1)], "until it is committed");
    assert!(!pool.scheduler.is_settled(None));
    pool.settled(MS);
    assert_eq!(pool.scheduler.unsettled(), []);
    assert!(matches!(pool.leader_action(), LeaderAction::Exit));
}

#[test]
fn a_shutdown_notifies_the_handlers_that_run() {
    let mut pool = Pool::with_times(2, MS);
    pool.claimed([lease(1)]);
    pool.begin(0);
    let flags = pool.scheduler.running_on(0).flags;
    assert_eq!(flags.reason(), None);
    pool.scheduler.drain(pool.now);
    assert_eq!(flags.reason(), Some(CancelReason::Shutdown));
}

#[test]
fn a_result_that_the_leader_commits_is_not_settled_yet() {
    let mut pool = Pool::with_times(1, MS);
    pool.scheduler.events_sent(EVENTS_MAX); // no claims
    pool.claimed([lease(1)]);
    pool.run(0, MS);
    pool.batch();
    pool.scheduler.drain(pool.now);
    assert!(!pool.scheduler.is_settled(None));
}

#[test]
fn tasks_that_no_handler_ran_are_listed_until_they_are_released() {
    let held = |pool: &Pool| -> Vec<i64> {
        pool.scheduler.unreleased().into_iter().map(TaskId::as_i64).collect()
    };
    let mut pool = Pool::with_times(1, MS);
    pool.claimed([lease(1), lease(2), lease(3)]);
    pool.begin(0);
    assert_eq!(held(&pool), [2, 3]);
    pool.scheduler.drain(pool.now);
    assert_eq!(held(&pool), [2, 3], "they wait for the leader");
    let batch = pool.batch();
    assert_eq!(held(&pool), [2, 3], "it is at the database");
    pool.scheduler.settled(&[], batch.settle, None, pool.now);
    assert_eq!(held(&pool), [2, 3], "it was refused");
    pool.batch();
    pool.settled(MS);
    assert!(held(&pool).is_empty() && pool.scheduler.unsettled().is_empty());
}

#[test]
fn an_abandoned_pool_waits_for_reserved_tasks() {
    let mut pool = Pool::new(settings(1));
    pool.becomes_idle(false);
    assert_eq!(pool.scheduler.reserve(0, 0), 1);
    pool.scheduler.drain(pool.now);
    pool.scheduler.abandon();
    assert!(matches!(pool.leader_action(), LeaderAction::Sleep { .. }));
    pool.scheduler.deliver(1, vec![(lease(1), 0)], 0, pool.now);
    assert_eq!(Pool::ids(&pool.batch()), [1]);
}

#[test]
fn an_abandoned_pool_ends_when_its_leases_have_expired() {
    let mut pool = Pool::with_times(1, MS);
    pool.claimed([lease(1)]);
    pool.begin(0);
    pool.scheduler.drain(pool.now);
    pool.scheduler.abandon();
    assert!(matches!(pool.leader_action(), LeaderAction::Sleep { .. }));
    let heartbeat = CLOCK.after(LEASE / HEARTBEATS_PER_LEASE);
    let action = pool.scheduler.next_leader_action(pool.now, heartbeat, 0);
    assert!(
        matches!(action, LeaderAction::Sleep { .. }),
        "leases are extended no more: {action:?}"
    );
    let expired = CLOCK.after(LEASE);
    assert!(matches!(pool.scheduler.next_leader_action(pool.now, expired, 0), LeaderAction::Exit));
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
    pool.scheduler.settled(&[], batch.settle, None, pool.now);
    pool.scheduler.fail(moved(), pool.now);
    assert!(pool.scheduler.is_settled(None), "it has not ended");
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
fn a_permanent_fault_stops_the_pool() {
    let mut pool = Pool::with_times(2, MS);
    pool.claimed([lease(1), lease(2)]);
    pool.begin(0);
    let fault = pool.scheduler.fail(Error::Poisoned { cause: "sync".to_owned() }, pool.now);
    assert!(!fault.unwrap().recoverable);
    assert!(!pool.scheduler.is_running() && pool.scheduler.is_stopped());
    assert!(matches!(pool.action(1), WorkerAction::Exit));
    assert!(matches!(pool.leader_action(), LeaderAction::Exit));
}

#[test]
fn a_recoverable_fault_suspends_the_pool_until_a_batch_is_accepted() {
    let mut pool = Pool::with_times(2, MS);
    pool.claimed([lease(1), lease(2)]);
    pool.begin(0);
    let too_new = Error::SchemaTooNew { path: "q".into(), found: 9, supported: 2 };
    let fault = pool.scheduler.fail(too_new.clone(), pool.now);
    assert!(fault.unwrap().recoverable);
    assert!(pool.scheduler.fail(too_new, pool.now).is_none(), "it is reported once");
    assert!(matches!(pool.leader_action(), LeaderAction::Sleep { .. }), "it is not tried at once");
    assert!(!pool.scheduler.is_running() && !pool.scheduler.is_stopped());
    assert!(matches!(pool.action(1), WorkerAction::Wait), "what was held is not run");
    pool.now += Duration::from_secs(1);
    let batch = pool.batch();
    assert_eq!(
        (Pool::ids(&batch), batch.claim.is_some()),
        (vec![2], false),
        "settled before claims"
    );
    pool.settled(MS);
    assert!(pool.scheduler.recover(Side::Leader, pool.scheduler.faults()));
    assert!(pool.scheduler.is_running() && pool.request().is_some());
}

#[test]
fn an_idle_pool_checks_by_a_claim_whether_a_fault_has_ended() {
    let mut pool = Pool::new(settings(1));
    pool.becomes_idle(false);
    assert!(matches!(pool.leader_action(), LeaderAction::Sleep { .. }));
    pool.scheduler.fail(Error::Moved { path: "q".into() }, pool.now);
    assert_eq!(pool.request(), None, "not at once");
    pool.now += Duration::from_secs(1);
    assert!(pool.request().is_some());
}
