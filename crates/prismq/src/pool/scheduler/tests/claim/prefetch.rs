//! How many tasks are held ahead, and which are released.

use super::*;

#[test]
fn a_pool_holds_what_its_workers_begin_in_20_ms() {
    let tasks = |handler, workers| Pool::with_times(workers, handler).request().unwrap().tasks;
    assert_eq!(tasks(MS, 2), 2 + 2 * 19, "2 at once, and 19 ms for each worker after that");
    assert_eq!(tasks(10 * MS, 2), 2 + 2);
    assert_eq!(tasks(50 * MS, 2), 2);
    assert_eq!(tasks(MS / 1000, 2), 2 + 1000, "up to the prefetch that is set");
}

#[test]
fn without_prefetch_nothing_is_held_ahead() {
    let mut pool = Pool::new(Settings { prefetch: 0, ..settings(2) });
    pool.scheduler.handler_times.ended(0, MS);
    assert_eq!(pool.request().unwrap().tasks, 2);
}

#[test]
fn the_next_task_is_claimed_shortly_before_a_slow_handler_ends() {
    let mut pool = Pool::with_times(1, 50 * MS);
    pool.claimed([lease(1)]);
    pool.begin(0);
    let LeaderAction::Sleep { until, .. } = pool.leader_action() else {
        panic!("nothing to do yet")
    };
    assert_eq!(until, Some(pool.now + 50 * MS - PREFETCH_TIME));
    pool.now += 31 * MS;
    assert_eq!(pool.request().unwrap().tasks, 1);
}

#[test]
fn a_pool_learns_how_long_its_handlers_take() {
    let mut pool = Pool::new(settings(1));
    pool.claimed([lease(1)]);
    pool.run(0, MS);
    pool.batch();
    pool.claimed([]);
    pool.settled(MS);
    pool.scheduler.settling.take();
    assert_eq!(pool.request().unwrap().tasks, 1 + 19);
}

#[test]
fn a_ready_task_of_a_slow_type_counts_by_its_own_time() {
    let mut pool = Pool::with_times(1, MS);
    (0..100).for_each(|_| pool.scheduler.handler_times.ended(0, MS));
    pool.scheduler.handler_times.ended(1, 100 * MS);
    let quick = pool.request().unwrap().tasks;
    pool.scheduler.accept_claim(vec![(lease(1), 0), (lease(2), 1)], None, false, pool.now);
    pool.begin(0);
    assert_eq!(pool.request(), None, "one of them is worth {quick} of the others");
}

#[test]
fn tasks_claimed_for_quick_handlers_are_released_when_handlers_turn_slow() {
    let mut pool = Pool::with_times(2, MS / 1000);
    pool.claimed((1..=300).map(lease));
    pool.begin(0);
    pool.begin(1);
    pool.now += PREFETCH_TIME;
    let batch = pool.batch();
    assert_eq!((batch.settle.len(), batch.claim), (298, None));
    assert!(batch.settle.iter().all(|settlement| matches!(settlement.action, Settle::Release)));
    pool.settled(MS);
    assert_eq!(pool.request(), None, "and is not claimed again while they run");
}

#[test]
fn tasks_that_begin_in_time_are_not_released() {
    let mut pool = Pool::with_times(1, MS);
    pool.claimed((1..=30).map(lease));
    for _ in 0..19 {
        pool.run(0, MS);
    }
    pool.begin(0);
    pool.now += MS;
    let batch = pool.batch();
    assert_eq!(batch.settle.len(), 19);
    assert!(batch.settle.iter().all(|settlement| matches!(settlement.action, Settle::Complete(_))));
}

#[test]
fn a_task_for_a_free_worker_is_not_released() {
    let mut pool = Pool::with_times(2, 50 * MS);
    pool.claimed([lease(1), lease(2)]);
    pool.begin(0);
    pool.now += PREFETCH_TIME;
    let action = pool.leader_action();
    assert!(matches!(action, LeaderAction::Sleep { .. }), "{action:?}");
    assert_eq!(pool.action(1).task_id(), Some(2));
}

#[test]
fn a_task_that_was_just_claimed_is_not_released() {
    let mut pool = Pool::with_times(1, MS);
    pool.claimed((1..=3).map(lease));
    pool.begin(0);
    pool.now += PREFETCH_TIME;
    pool.claimed([lease(9)]);
    pool.leader_action();
    pool.now += SETTLE_DELAY;
    let mut back = Pool::ids(&pool.batch());
    back.sort_unstable();
    assert_eq!(back, [2, 3]);
    assert_eq!(pool.scheduler.stats().ready, 1);
}

#[test]
fn ready_tasks_are_checked_again_until_they_begin() {
    let mut pool = Pool::with_times(1, 5 * MS);
    pool.claimed((1..=4).map(lease));
    pool.now += PREFETCH_TIME - MS;
    pool.begin(0);
    pool.scheduler.events_sent(EVENTS_MAX); // no claims
    pool.now += MS;
    let action = pool.leader_action();
    assert!(
        matches!(action, LeaderAction::Sleep { .. }),
        "they are begun within 20 ms: {action:?}"
    );
    pool.now += 2 * PREFETCH_TIME;
    assert_eq!(Pool::ids(&pool.batch()).len(), 3);
}

#[test]
fn released_tasks_count_no_more() {
    let mut pool = Pool::with_times(1, MS);
    pool.claimed((1..=10).map(lease));
    pool.scheduler.paused(0, pool.now);
    pool.settling_batch();
    pool.settled(MS);
    pool.claimed([]);
    assert_eq!(pool.request().unwrap().tasks, 1 + 19);
}

/// How many tasks one worker's pool releases until 5000 are done, of which one in 100 takes 50 ms and the others
/// next to nothing.
fn released_of_mixed_tasks() -> usize {
    let mut pool = Pool::with_times(1, MS / 100);
    let (mut done, mut last, mut released) = (0, 0, 0);
    let mut lead = |pool: &mut Pool| {
        while let LeaderAction::Submit(batch) = pool.leader_action() {
            let is_release = |task: &&Settlement| matches!(task.action, Settle::Release);
            released += batch.settle.iter().filter(is_release).count();
            pool.now += MS / 5;
            pool.settled(MS / 5);
            let claimed = last..last + batch.claim.map_or(0, |claim| claim.tasks as i64);
            last = claimed.end;
            pool.claimed(claimed.map(lease));
        }
    };
    while done < 5000 {
        lead(&mut pool);
        let task = pool.begin(0);
        done += 1;
        let took = if done % 100 == 0 { 50 * MS } else { MS / 100 };
        for _ in 0..took.as_millis() {
            pool.now += MS;
            lead(&mut pool);
        }
        pool.finish(0, task, Settle::Complete(None), took);
    }
    released
}

#[test]
fn a_pool_that_released_tasks_claims_fewer_ahead_for_a_while() {
    let released = released_of_mixed_tasks();
    assert!(released <= 2000, "{released} released of 5000");
}
