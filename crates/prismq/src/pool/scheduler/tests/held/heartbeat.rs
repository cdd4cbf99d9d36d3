//! Extended and lost leases.

use super::*;
use crate::pool::handler::CancelReason;

#[test]
fn leases_of_all_tasks_held_are_extended_in_time() {
    let mut pool = Pool::with_times(1, 10 * MS);
    pool.claimed((1..=3).map(lease));
    pool.run(0, 10 * MS);
    pool.begin(0);
    let due = CLOCK.after(LEASE / HEARTBEATS_PER_LEASE);
    let LeaderAction::Submit(batch) = pool.scheduler.next_leader_action(pool.now, due, 0) else {
        panic!("it is time")
    };
    let mut extended: Vec<_> = batch.extend.iter().map(|key| key.id.as_i64()).collect();
    extended.sort_unstable();
    assert_eq!(extended, [1, 2, 3]);
    let ends = batch.extend.iter().map(|key| (*key, at(due.after(LEASE)))).collect();
    pool.scheduler.extended(&ends);
    assert!(pool.scheduler.leases().all(|lease| lease.expires_at == at(due.after(LEASE))));
}

/// Else a pool would hold the result of a handler that outlasts its lease to be lost.
#[test]
fn a_result_has_the_lease_as_it_was_extended() {
    let mut pool = Pool::with_times(1, 10 * MS);
    pool.claimed([lease(1)]);
    let running = pool.begin(0);
    let end = at(CLOCK.after(2 * LEASE));
    pool.scheduler.extended(&[(running.key, end)].into());
    pool.finish(0, running, Settle::Complete(None), MS);
    assert!(pool.scheduler.leases().all(|lease| lease.expires_at == end));
    assert_eq!(pool.scheduler.leases().count(), 1);
}

#[test]
fn a_heartbeat_that_is_due_waits_while_the_database_refuses() {
    let mut pool = Pool::with_times(1, 50 * MS);
    pool.claimed([lease(1)]);
    pool.begin(0);
    pool.scheduler.back_off(Side::Leader, pool.now);
    let heartbeat = CLOCK.after(LEASE / HEARTBEATS_PER_LEASE);
    let action = pool.scheduler.next_leader_action(pool.now, heartbeat, 0);
    let LeaderAction::Sleep { until: Some(until), due: None, .. } = action else {
        panic!("{action:?}")
    };
    let action = pool.scheduler.next_leader_action(until, heartbeat, 0);
    let LeaderAction::Submit(batch) = action else { panic!("{action:?}") };
    assert_eq!(batch.extend, [lease(1).key]);
}

#[test]
fn leases_are_extended_at_once_when_the_clock_was_set_back() {
    let mut pool = Pool::with_times(1, 50 * MS);
    pool.claimed([lease(1)]);
    pool.begin(0);
    let action = pool.scheduler.next_leader_action(pool.now, Timestamp::from_micros(1), 0);
    let LeaderAction::Submit(batch) = action else { panic!("{action:?}") };
    assert_eq!(batch.extend, [lease(1).key]);
}

#[test]
fn a_lost_lease_notifies_a_running_handler_and_drops_a_ready_task() {
    let mut pool = Pool::with_times(1, MS);
    pool.claimed([lease(1), lease(2)]);
    let running = pool.begin(0);
    let flags = pool.scheduler.running_on(0).flags;
    assert!(pool.scheduler.lease_lost(running.key, pool.now).is_none());
    assert!(flags.has(CancelReason::LeaseLost));
    assert_eq!(
        pool.scheduler.lease_lost(lease(2).key, pool.now).map(|lease| lease.id().as_i64()),
        Some(2)
    );
    assert!(matches!(pool.action(0), WorkerAction::Wait));
    assert_eq!(pool.scheduler.stats().lease_lost, 1);
}
