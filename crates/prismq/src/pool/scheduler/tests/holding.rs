//! How much a pool claims and holds, and what goes back.

use super::*;

#[test]
fn a_pool_that_knows_nothing_claims_one_task_for_each_worker() {
    let mut pool = Pool::new(settings(4));
    assert_eq!(pool.room(), Some(Room { tasks: 4, begun: 4, suspects: 1 }));
    pool.claimed((1..=4).map(lease));
    (0..4).for_each(|worker| drop(pool.begin(worker)));
    assert_eq!(pool.room(), None, "nothing more while all run");
}

#[test]
fn a_pool_holds_what_its_workers_begin_in_20_ms() {
    let tasks = |handler, workers| Pool::with_times(workers, handler).room().unwrap().tasks;
    assert_eq!(tasks(MS, 2), 2 + 2 * 19, "2 at once, and 19 ms for each worker after that");
    assert_eq!(tasks(10 * MS, 2), 2 + 2);
    assert_eq!(tasks(50 * MS, 2), 2);
    assert_eq!(tasks(MS / 1000, 2), 2 + 1000, "up to the prefetch that is set");
}

#[test]
fn without_prefetch_nothing_is_held() {
    let mut pool = Pool::new(Settings { prefetch: 0, ..settings(2) });
    pool.scheduler.times.ended(0, MS);
    assert_eq!(pool.room().unwrap().tasks, 2);
}

#[test]
fn a_slow_handlers_successor_is_claimed_shortly_before_its_end() {
    let mut pool = Pool::with_times(1, 50 * MS);
    pool.claimed([lease(1)]);
    pool.begin(0);
    let Plan::Wait { until, .. } = pool.plan() else { panic!("nothing to do yet") };
    assert_eq!(until, Some(pool.now + 50 * MS - PREFETCH_TIME));
    pool.now += 31 * MS;
    assert_eq!(pool.room().unwrap().tasks, 1);
}

#[test]
fn what_was_claimed_for_quick_handlers_goes_back_when_they_turn_slow() {
    let mut pool = Pool::with_times(2, MS / 1000);
    pool.claimed((1..=300).map(lease));
    pool.begin(0);
    pool.begin(1);
    pool.now += PREFETCH_TIME;
    let batch = pool.batch();
    assert_eq!((batch.finished.len(), batch.claim), (298, None));
    assert!(batch.finished.iter().all(|finished| matches!(finished.end, End::Release)));
    pool.settled(MS);
    assert_eq!(pool.room(), None, "and is not claimed again while they run");
}

#[test]
fn what_is_begun_in_time_does_not_go_back() {
    let mut pool = Pool::with_times(1, MS);
    pool.claimed((1..=30).map(lease));
    for _ in 0..19 {
        pool.run(0, MS);
    }
    pool.begin(0);
    pool.now += MS;
    let batch = pool.batch();
    assert_eq!(batch.finished.len(), 19);
    assert!(batch.finished.iter().all(|finished| matches!(finished.end, End::Complete)));
}

#[test]
fn a_held_task_of_a_slow_type_counts_by_its_own_time() {
    let mut pool = Pool::with_times(1, MS);
    (0..100).for_each(|_| pool.scheduler.times.ended(0, MS));
    pool.scheduler.times.ended(1, 100 * MS);
    let quick = pool.room().unwrap().tasks;
    pool.scheduler.claimed(vec![(lease(1), 0), (lease(2), 1)], None, false, pool.now);
    pool.begin(0);
    assert_eq!(pool.room(), None, "one of them is worth {quick} of the others");
}

#[test]
fn an_urgent_task_runs_before_what_is_held() {
    let mut pool = Pool::with_times(1, MS);
    pool.claimed((10..20).map(lease));
    pool.claimed([lease(1)]);
    assert_eq!(pool.begin(0).id().as_i64(), 1);
    assert_eq!(pool.step(0).ran(), Some(10));
}

#[test]
fn a_paused_queue_takes_back_what_is_held() {
    let mut pool = Pool::with_times(1, MS);
    pool.claimed((1..=3).map(lease));
    pool.begin(0);
    pool.scheduler.paused(pool.now);
    assert!(matches!(pool.step(0), Step::Wait));
    assert_eq!(Pool::ids(&pool.batch()), [2, 3]);
}

#[test]
fn a_claim_made_before_a_pause_brings_nothing_after_it() {
    let mut pool = Pool::with_times(1, MS);
    assert!(pool.room().is_some());
    pool.scheduler.paused(pool.now);
    pool.claimed([lease(1)]);
    assert!(matches!(pool.step(0), Step::Wait));
    assert_eq!(Pool::ids(&pool.settling_batch()), [1]);
}

#[test]
fn an_idle_pool_lets_others_claim_for_its_free_workers_only() {
    let mut pool = Pool::new(settings(3));
    assert_eq!(pool.scheduler.reserve(Some(0)), 0, "the leader is about to claim itself");
    pool.claimed([lease(1)]);
    pool.begin(0);
    pool.drained(false);
    assert_eq!(pool.scheduler.reserve(Some(0)), 2);
    assert_eq!(pool.scheduler.reserve(Some(0)), 0, "all are reserved");
    pool.scheduler.deliver(2, vec![(lease(2), 0)], 0, pool.now);
    assert_eq!(pool.scheduler.reserve(Some(0)), 1);
}

#[test]
fn a_busy_pool_takes_what_is_more_urgent_than_what_it_holds() {
    let mut pool = Pool::with_times(1, MS);
    let of = |id, priority| Lease { priority, ..lease(id) };
    pool.claimed([of(10, 100), of(11, 100)]);
    pool.begin(0);
    assert_eq!(pool.scheduler.reserve(Some(100)), 0, "its turn comes later");
    assert_eq!(pool.scheduler.reserve(Some(99)), 1);
    pool.scheduler.deliver(1, vec![(of(1, 99), 0)], 0, pool.now);
    assert_eq!(pool.step(0).ran(), Some(1));
    assert_eq!(pool.step(0).ran(), Some(11));

    assert_eq!(pool.scheduler.reserve(Some(0)), 0, "the leader claims it");
    assert!(pool.batch().claim.is_some());
    assert_eq!(pool.scheduler.reserve(Some(0)), 1, "where it may be too late for that");
}

#[test]
fn new_work_ends_the_rest() {
    let mut pool = Pool::new(settings(1));
    pool.drained(false);
    assert!(matches!(pool.plan(), Plan::Wait { idle: true, .. }));
    pool.signalled += 1;
    assert!(pool.room().is_some());
}

#[test]
fn claims_wait_for_a_listener_that_is_far_behind() {
    let mut pool = Pool::new(settings(1));
    pool.scheduler.events_sent(crate::limits::EVENTS_MAX);
    assert_eq!(pool.room(), None);
    assert!(pool.scheduler.event_handled(), "the leader is called");
    assert!(pool.room().is_some());
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
    assert_eq!(pool.room().unwrap().tasks, 1 + 19);
}

#[test]
fn what_a_free_worker_is_about_to_begin_does_not_go_back() {
    let mut pool = Pool::with_times(2, 50 * MS);
    pool.claimed([lease(1), lease(2)]);
    pool.begin(0);
    pool.now += PREFETCH_TIME;
    let plan = pool.plan();
    assert!(matches!(plan, Plan::Wait { .. }), "{plan:?}");
    assert_eq!(pool.step(1).ran(), Some(2));
}

#[test]
fn what_is_held_is_looked_at_again_until_it_is_begun() {
    let mut pool = Pool::with_times(1, 5 * MS);
    pool.claimed((1..=4).map(lease));
    pool.now += PREFETCH_TIME - MS;
    pool.begin(0);
    pool.scheduler.events = crate::limits::EVENTS_MAX; // no claims
    pool.now += MS;
    let plan = pool.plan();
    assert!(matches!(plan, Plan::Wait { .. }), "they are begun within 20 ms: {plan:?}");
    pool.now += 2 * PREFETCH_TIME;
    assert_eq!(Pool::ids(&pool.batch()).len(), 3);
}

#[test]
fn what_was_claimed_just_now_does_not_go_back() {
    let mut pool = Pool::with_times(1, MS);
    pool.claimed((1..=3).map(lease));
    pool.begin(0);
    pool.now += PREFETCH_TIME;
    pool.claimed([lease(9)]);
    pool.plan();
    pool.now += SETTLE_DELAY;
    let mut back = Pool::ids(&pool.batch());
    back.sort_unstable();
    assert_eq!(back, [2, 3]);
    assert_eq!(pool.scheduler.stats().ready, 1);
}

#[test]
fn what_went_back_counts_no_more() {
    let mut pool = Pool::with_times(1, MS);
    pool.claimed((1..=10).map(lease));
    pool.scheduler.paused(pool.now);
    pool.settling_batch();
    pool.settled(MS);
    assert_eq!(pool.room().unwrap().tasks, 1 + 19);
}

#[test]
fn a_quick_pool_marks_one_task_as_begun_and_a_slow_one_as_many_as_workers_are_free() {
    let begun = |handler| Pool::with_times(4, handler).room().unwrap().begun;
    assert_eq!((begun(MS / 1000), begun(MS)), (1, 4));
}

#[test]
fn a_pool_looks_again_when_the_next_task_is_due_or_the_clock_was_set_back() {
    let due = CLOCK.after(LEASE);
    for (clock, looks) in [(CLOCK, false), (due, true), (Timestamp::from_micros(1), true)] {
        let mut pool = Pool::new(settings(1));
        let drained = Drained {
            seen: 0,
            clock: CLOCK,
            version: 1,
            next_due: Some(due),
            without_suspects: false,
        };
        pool.scheduler.claimed(Vec::new(), Some(drained), true, pool.now);
        let plan = pool.scheduler.plan(pool.now, clock, 0);
        assert_eq!(matches!(plan, Plan::Submit(_)), looks, "{clock:?}: {plan:?}");
    }
}

/// One worker among tasks of which one in 100 takes 50 ms and the others next to nothing: how many tasks are given
/// back until 5000 are done.
fn given_back_of_mixed_tasks() -> usize {
    let mut pool = Pool::with_times(1, MS / 100);
    let (mut done, mut last, mut given_back) = (0, 0, 0);
    let mut lead = |pool: &mut Pool| {
        while let Plan::Submit(batch) = pool.plan() {
            let released = batch.finished.iter().filter(|done| matches!(done.end, End::Release));
            given_back += released.count();
            pool.now += MS / 5;
            pool.settled(MS / 5);
            let claimed = last..last + batch.claim.map_or(0, |room| room.tasks as i64);
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
        pool.finish(0, task, End::Complete, took);
    }
    given_back
}

#[test]
fn a_pool_that_had_to_give_much_back_claims_less_ahead_for_a_while() {
    let given_back = given_back_of_mixed_tasks();
    assert!(given_back <= 2000, "{given_back} given back of 5000");
}
