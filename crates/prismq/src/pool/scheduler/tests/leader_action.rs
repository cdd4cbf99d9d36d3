//! When the leader is woken.

use super::*;

#[test]
fn the_leader_is_woken_for_what_is_due_before_it_wakes_by_itself() {
    let mut pool = Pool::with_times(1, MS);
    pool.becomes_idle(false);
    pool.leader_action();
    assert!(!pool.scheduler.must_wake_leader(pool.now), "nothing to do");
    pool.scheduler.deliver(0, vec![(lease(1), 0)], 0, pool.now);
    pool.run(0, MS);
    assert!(pool.scheduler.must_wake_leader(pool.now));
    assert!(!pool.scheduler.must_wake_leader(pool.now), "once");
    assert_eq!(pool.batch().settle.len(), 1);
    assert!(matches!(pool.action(0), WorkerAction::Wait));
    assert!(!pool.scheduler.must_wake_leader(pool.now), "it checks everything when it is back");
}

#[test]
fn a_leader_at_the_database_is_not_woken() {
    let mut pool = Pool::new(settings(1));
    pool.request();
    pool.scheduler.deliver(0, vec![(lease(1), 0)], 0, pool.now);
    pool.run(0, MS);
    assert!(!pool.scheduler.must_wake_leader(pool.now), "it checks everything when it is back");
}
