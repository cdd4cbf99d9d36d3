//! Claimed tasks that arrive, and those that are released at once.

use super::*;

#[test]
fn a_pause_releases_ready_tasks() {
    let mut pool = Pool::with_times(1, MS);
    pool.claimed((1..=3).map(lease));
    pool.begin(0);
    pool.scheduler.paused(0, pool.now);
    assert!(matches!(pool.action(0), WorkerAction::Wait));
    assert_eq!(Pool::ids(&pool.batch()), [2, 3]);
}

#[test]
fn tasks_of_a_claim_sent_before_a_pause_are_released() {
    let mut pool = Pool::with_times(1, MS);
    assert!(pool.request().is_some());
    pool.scheduler.paused(0, pool.now);
    pool.claimed([lease(1)]);
    assert!(matches!(pool.action(0), WorkerAction::Wait));
    assert_eq!(Pool::ids(&pool.settling_batch()), [1]);
}

#[test]
fn a_delivery_after_the_shutdown_began_is_released() {
    let mut pool = Pool::new(settings(1));
    pool.becomes_idle(false);
    assert_eq!(pool.scheduler.reserve(0, 0), 1);
    pool.scheduler.drain(pool.now);
    assert!(!pool.scheduler.is_settled(None));
    pool.scheduler.deliver(1, vec![(lease(1), 0)], 0, pool.now);
    assert_eq!(Pool::ids(&pool.batch()), [1]);
    pool.settled(MS);
    assert!(matches!(pool.leader_action(), LeaderAction::Exit));
}
