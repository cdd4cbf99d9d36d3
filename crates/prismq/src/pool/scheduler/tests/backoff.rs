//! Trying the database again.

use super::*;

#[test]
fn a_refused_batch_is_tried_again_after_a_wait() {
    let mut pool = Pool::with_times(1, MS);
    pool.claimed([lease(1)]);
    pool.run(0, MS);
    pool.scheduler.events_sent(EVENTS_MAX);
    let batch = pool.batch();
    pool.scheduler.settled(&[], batch.settle, None, pool.now);
    pool.scheduler.back_off(Side::Leader, pool.now);
    let LeaderAction::Sleep { until: Some(until), .. } = pool.leader_action() else {
        panic!("it waits")
    };
    assert_eq!(until, pool.now + 10 * MS);
    pool.now = until;
    assert_eq!(Pool::ids(&pool.batch()), [1]);
}

#[test]
fn an_accepted_batch_ends_the_backoff() {
    let mut pool = Pool::with_times(1, MS);
    pool.scheduler.back_off(Side::Leader, pool.now);
    assert_eq!(pool.request(), None);
    assert!(
        !pool.scheduler.recover(Side::Leader, pool.scheduler.faults()),
        "it was no fault of the queue"
    );
    assert!(pool.request().is_some());
}
