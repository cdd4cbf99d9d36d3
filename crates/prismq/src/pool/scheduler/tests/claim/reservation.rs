//! What others' transactions may claim for a pool.

use super::*;

#[test]
fn an_idle_pool_lets_others_claim_for_its_free_workers_only() {
    let mut pool = Pool::new(settings(3));
    assert_eq!(pool.scheduler.reserve(0, 0), 0, "the leader is about to claim itself");
    pool.claimed([lease(1)]);
    pool.begin(0);
    pool.becomes_idle(false);
    assert_eq!(pool.scheduler.reserve(0, 0), 2);
    assert_eq!(pool.scheduler.reserve(0, 0), 0, "all are reserved");
    pool.scheduler.deliver(2, vec![(lease(2), 0)], 0, pool.now);
    assert_eq!(pool.scheduler.reserve(0, 0), 1);
}

#[test]
fn a_busy_pool_reserves_for_a_task_more_urgent_than_those_it_holds() {
    let mut pool = Pool::with_times(1, MS);
    let of = |id, priority| Lease { priority, ..lease(id) };
    pool.claimed([of(10, 100), of(11, 100)]);
    pool.begin(0);
    assert_eq!(pool.scheduler.reserve(0, 100), 0, "its turn comes later");
    assert_eq!(pool.scheduler.reserve(0, 99), 1);
    pool.scheduler.deliver(1, vec![(of(1, 99), 0)], 0, pool.now);
    assert_eq!(pool.action(0).task_id(), Some(1));
    assert_eq!(pool.action(0).task_id(), Some(11));

    assert_eq!(pool.scheduler.reserve(0, 0), 0, "the leader claims it");
    assert!(pool.batch().claim.is_some());
    assert_eq!(pool.scheduler.reserve(0, 0), 1, "where it may be too late for that");
}

#[test]
fn a_pool_that_ends_reserves_nothing() {
    let mut pool = Pool::new(settings(1));
    pool.request();
    pool.scheduler.drain(pool.now);
    pool.becomes_idle(false);
    assert_eq!(pool.scheduler.reserve(0, 0), 0);
}
