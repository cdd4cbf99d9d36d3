//! Which workers are woken, and when the leader is called.

use super::*;

#[test]
fn the_leader_is_called_for_what_is_sooner_than_it_wakes() {
    let mut pool = Pool::with_times(1, MS);
    pool.drained(false);
    pool.plan();
    assert!(!pool.scheduler.calls_leader(pool.now), "nothing to do");
    pool.scheduler.deliver(0, vec![(lease(1), 0)], 0, pool.now);
    pool.run(0, MS);
    assert!(pool.scheduler.calls_leader(pool.now));
    assert!(!pool.scheduler.calls_leader(pool.now), "once");
    assert_eq!(pool.batch().finished.len(), 1);
    pool.run_nothing();
    assert!(!pool.scheduler.calls_leader(pool.now), "it looks at everything when it is back");
}

/// A pool of which one worker is awake and has just begun a task, with so many more ready.
fn one_awake(ready: i64, handler: Duration) -> Pool {
    let mut pool = Pool::with_times(4, handler);
    (1..4).for_each(|_| pool.scheduler.begin_wait());
    pool.claimed((0..=ready).map(lease));
    pool.begin(0);
    pool
}

#[test]
fn no_wakeup_when_awake_workers_finish_first() {
    assert_eq!(one_awake(50, QUICK / 50).scheduler.wake(), 0);
    assert_eq!(one_awake(51, QUICK / 50).scheduler.wake(), 1);
    assert_eq!(one_awake(1, QUICK * 2).scheduler.wake(), 1);
    assert_eq!(one_awake(0, QUICK * 2).scheduler.wake(), 0, "nothing is ready");
}

#[test]
fn no_wakeup_while_the_first_payload_is_read() {
    let mut pool = one_awake(0, QUICK / 50);
    pool.claimed([Lease { payload: Payload::unread(), ..lease(0) }]);
    pool.claimed((1..=60).map(lease));
    let Step::Read(keys) = pool.step(0) else { panic!("the payload is to be read") };
    assert_eq!(pool.scheduler.wake(), 0, "nobody could begin a task");
    let read = keys.into_iter().map(|key| (key, Ok(Payload::part(Arc::default(), 0..0))));
    pool.scheduler.end_read(read.collect(), pool.now);
    assert_eq!(pool.scheduler.wake(), 1);
}

#[test]
fn workers_are_woken_for_what_a_stuck_handler_keeps_waiting() {
    let mut pool = one_awake(2, QUICK / 50);
    assert_eq!(pool.scheduler.free_stuck(pool.now + STUCK / 2), 0);
    assert_eq!(pool.scheduler.free_stuck(pool.now + STUCK), 2);
    assert_eq!(pool.scheduler.free_stuck(pool.now + STUCK), 0, "they have not come yet");
    let woken = (0..3).filter(|_| pool.scheduler.end_wait()).count();
    assert_eq!(woken, 2, "as many as were woken go on");
}

#[test]
fn a_leader_at_the_database_is_not_called() {
    let mut pool = Pool::new(settings(1));
    pool.room();
    pool.scheduler.deliver(0, vec![(lease(1), 0)], 0, pool.now);
    pool.run(0, MS);
    assert!(!pool.scheduler.calls_leader(pool.now), "it looks at everything when it is back");
}
