//! Which workers are woken.

use super::*;

/// A pool of which one worker is awake and has just begun a task, with this many more ready.
fn one_awake(ready: i64, handler: Duration) -> Pool {
    let mut pool = Pool::with_times(4, handler);
    (1..4).for_each(|_| pool.scheduler.worker_waits());
    pool.claimed((0..=ready).map(lease));
    pool.begin(0);
    pool
}

#[test]
fn no_wakeup_when_awake_workers_finish_first() {
    assert_eq!(one_awake(50, WAKE_TIME / 50).scheduler.workers_to_wake(), 0);
    assert_eq!(one_awake(51, WAKE_TIME / 50).scheduler.workers_to_wake(), 1);
    assert_eq!(one_awake(1, WAKE_TIME * 2).scheduler.workers_to_wake(), 1);
    assert_eq!(one_awake(0, WAKE_TIME * 2).scheduler.workers_to_wake(), 0, "nothing is ready");
}

#[test]
fn no_wakeup_while_the_first_payload_is_read() {
    let mut pool = one_awake(0, WAKE_TIME / 50);
    pool.claimed([Lease { payload: Payload::unread(), ..lease(0) }]);
    pool.claimed((1..=60).map(lease));
    let WorkerAction::ReadPayloads(keys) = pool.action(0) else {
        panic!("the payload is to be read")
    };
    assert_eq!(pool.scheduler.workers_to_wake(), 0, "no worker could begin a task");
    let read = keys.into_iter().map(|key| (key, Ok(Payload::part(Arc::default(), 0..0))));
    pool.scheduler.end_read(read.collect(), pool.now);
    assert_eq!(pool.scheduler.workers_to_wake(), 1);
}

#[test]
fn workers_are_woken_for_tasks_that_a_slow_handler_keeps_waiting() {
    let mut pool = one_awake(2, WAKE_TIME / 50);
    assert_eq!(pool.scheduler.workers_to_wake_overdue(pool.now + WAKE_DELAY_MAX / 2), 0);
    assert_eq!(pool.scheduler.workers_to_wake_overdue(pool.now + WAKE_DELAY_MAX), 2);
    assert_eq!(
        pool.scheduler.workers_to_wake_overdue(pool.now + WAKE_DELAY_MAX),
        0,
        "they have not come yet"
    );
    let woken = (0..3).filter(|_| pool.scheduler.take_wakeup()).count();
    assert_eq!(woken, 2, "as many as were woken go on");
}
