//! When the leader of a running pool is woken.

use std::thread;

use tempfile::TempDir;

use super::*;
use crate::commit::Claimer;
use crate::model::limits::EVENTS_MAX;
use crate::model::{NewTask, TaskId};

/// Longer than anything takes that is waited for.
const PATIENCE: Duration = Duration::from_secs(60);

/// A pool with a listener, once it waits for work.
fn idle_pool() -> (TempDir, Queue, WorkerPool) {
    let folder = tempfile::tempdir().unwrap();
    let queue = Queue::open(folder.path().join("queue.db")).unwrap();
    let pool = WorkerPool::builder(&queue)
        .workers(2)
        .handle_bytes("t", |_, _| Ok(()))
        .on_event(|_| {})
        .start()
        .unwrap();
    wait_until("the pool is idle", || pool.shared.scheduler().is_idle());
    (folder, queue, pool)
}

fn wait_until(state: &str, is_reached: impl Fn() -> bool) {
    let started = Instant::now();
    while !is_reached() {
        assert!(started.elapsed() < PATIENCE, "not reached: {state}");
        thread::yield_now();
    }
}

#[test]
fn an_idle_pools_leader_is_woken_for_work_that_was_not_claimed_for_it() {
    let (_folder, queue, pool) = idle_pool();
    let seen = pool.shared.leader_signal.count();
    queue.enqueue(NewTask::new("t", []).delay(Duration::from_secs(60))).unwrap();
    // By the thread that enqueued, or by the one that watches for changes if that was faster.
    wait_until("the leader is woken", || pool.shared.leader_signal.count() > seen);
}

/// Nobody else may run who would end it.
#[test]
fn an_idle_pool_ends_tasks_of_other_types_that_expire() {
    let (_folder, queue, _pool) = idle_pool();
    let expiring = NewTask::new("other", []).expires_after(Duration::from_millis(20));
    queue.enqueue(expiring).unwrap();
    wait_until("the task has expired", || queue.stats("default").unwrap().dead == 1);
}

#[test]
fn a_pause_of_another_queue_wakes_no_leader() {
    let (_folder, _queue, pool) = idle_pool();
    let seen = pool.shared.leader_signal.count();
    pool.shared.paused("another");
    assert_eq!(pool.shared.leader_signal.count(), seen);
    pool.shared.paused("default");
    assert!(pool.shared.leader_signal.count() > seen);
}

#[test]
fn the_leader_is_woken_once_a_listener_has_caught_up() {
    let (_folder, _queue, pool) = idle_pool();
    pool.shared.scheduler().events_sent(EVENTS_MAX - 1);
    let seen = pool.shared.leader_signal.count();
    let id = TaskId::from_i64(1);
    pool.shared.send_events(vec![Event {
        id,
        queue: "default".into(),
        task_type: "job".into(),
        worker: None,
        attempt: 1,
        outcome: Outcome::Completed,
        duration: None,
        error: None,
    }]);
    wait_until("the leader is woken", || pool.shared.leader_signal.count() > seen);
}
