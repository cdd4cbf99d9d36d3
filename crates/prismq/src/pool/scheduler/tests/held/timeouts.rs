//! Time limits of handlers.

use super::*;
use crate::pool::handler::CancelReason;

fn with_limit(limit: Duration) -> Pool {
    let mut pool = Pool::new(Settings { timeouts: vec![Some(limit)], ..settings(1) });
    pool.claimed([lease(1)]);
    pool
}

#[test]
fn a_handler_over_its_limit_is_notified_and_its_own_result_counts_within_the_grace() {
    let mut pool = with_limit(50 * MS);
    let lease = pool.begin(0);
    let flags = pool.scheduler.running_on(0).flags;
    pool.now += 49 * MS;
    pool.leader_action();
    assert!(!flags.has(CancelReason::Timeout));
    pool.now += MS;
    pool.leader_action();
    assert!(flags.has(CancelReason::Timeout));
    pool.finish(0, lease, Settle::Fail(TaskError::new("stopped")), 60 * MS);
    let batch = pool.settling_batch();
    let Settle::Fail(error) = &batch.settle[0].action else { panic!("{batch:?}") };
    assert_eq!(error.text(), "timed out after 50ms: stopped");
    assert_eq!(pool.scheduler.stats().timed_out, 1);
}

#[test]
fn an_attempt_that_outlasts_the_grace_is_recorded_and_what_its_handler_returns_is_dropped() {
    let mut pool = with_limit(50 * MS);
    let lease = pool.begin(0);
    pool.now += 100 * MS;
    let batch = pool.settling_batch();
    let Settle::Fail(error) = &batch.settle[0].action else { panic!("{batch:?}") };
    assert_eq!(error.text(), "timed out after 50ms, and the handler did not return");
    assert_eq!(pool.scheduler.leases().count(), 0, "its lease is extended no more");
    pool.settled(MS);
    assert_eq!(pool.scheduler.stats().running, 1, "its worker is not free");
    pool.becomes_idle(false);
    pool.leader_action();
    pool.scheduler.end_idle();
    pool.finish(0, lease, Settle::Complete(None), 200 * MS);
    assert!(pool.scheduler.must_wake_leader(pool.now), "to claim for the worker");
    assert!(pool.scheduler.settling.is_empty());
    assert_eq!(pool.scheduler.stats().timed_out, 1);
}

#[test]
fn what_a_handler_is_notified_of_is_not_said_to_the_next_on_its_worker() {
    let mut pool = with_limit(50 * MS);
    let first = pool.begin(0);
    let flags = pool.scheduler.running_on(0).flags;
    pool.now += 50 * MS;
    pool.leader_action();
    pool.scheduler.lease_lost(first.key, pool.now);
    assert!(flags.has(CancelReason::Timeout) && flags.has(CancelReason::LeaseLost));
    assert_eq!(flags.reason(), Some(CancelReason::LeaseLost), "it weighs more");
    pool.finish(0, first, Settle::Complete(None), 50 * MS);
    pool.claimed([lease(2)]);
    pool.begin(0);
    assert_eq!(pool.scheduler.running_on(0).flags.reason(), None);
    assert!(flags.has(CancelReason::Timeout), "a handler may keep what it was given");
}

#[test]
fn a_handler_knows_when_its_limit_ends() {
    let mut pool = with_limit(50 * MS);
    let begun_at = pool.now;
    pool.begin(0);
    assert_eq!(pool.scheduler.running_on(0).deadline, Some(begun_at + 50 * MS));
    let mut unlimited = Pool::with_times(1, MS);
    unlimited.claimed([lease(1)]);
    unlimited.begin(0);
    assert_eq!(unlimited.scheduler.running_on(0).deadline, None);
}

#[test]
fn a_handler_over_its_limit_may_still_put_its_task_off() {
    let mut pool = with_limit(50 * MS);
    let lease = pool.begin(0);
    pool.now += 50 * MS;
    pool.leader_action();
    pool.finish(0, lease, Settle::Fail(TaskError::snooze(MS)), 60 * MS);
    let batch = pool.settling_batch();
    assert!(batch.settle[0].action.is_snooze(), "{batch:?}");
    assert_eq!(pool.scheduler.stats().timed_out, 0);
}

#[test]
fn the_leader_wakes_for_the_first_limit_and_then_for_the_end_of_its_grace() {
    let limits = vec![Some(50 * MS), Some(10 * MS)];
    let mut pool = Pool::new(Settings { timeouts: limits, ..settings(2) });
    pool.scheduler.accept_claim(vec![(lease(1), 1), (lease(2), 0)], None, false, pool.now);
    pool.begin(0);
    pool.begin(1);
    let mut wakes_after = |passed| {
        let action = pool.scheduler.next_leader_action(pool.now + passed, CLOCK, 0);
        let LeaderAction::Sleep { until: Some(until), .. } = action else { panic!("{action:?}") };
        until - pool.now
    };
    assert_eq!(wakes_after(MS), 10 * MS);
    assert_eq!(wakes_after(10 * MS), 20 * MS, "it is notified and has its limit once more");
}
