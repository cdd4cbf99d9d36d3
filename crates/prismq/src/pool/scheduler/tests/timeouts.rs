//! Time limits of handlers.

use super::*;

fn with_limit(limit: Duration) -> Pool {
    let mut pool = Pool::new(Settings { limits: vec![Some(limit)], ..settings(1) });
    pool.claimed([lease(1)]);
    pool
}

#[test]
fn a_handler_over_its_limit_is_notified_and_its_own_result_counts_within_the_grace() {
    let mut pool = with_limit(50 * MS);
    let lease = pool.begin(0);
    let flags = pool.scheduler.flags(0);
    pool.now += 49 * MS;
    pool.plan();
    assert!(!flags.timed_out());
    pool.now += MS;
    pool.plan();
    assert!(flags.timed_out());
    pool.finish(0, lease, End::Fail(TaskError::new("stopped")), 60 * MS);
    let batch = pool.settling_batch();
    let End::Fail(error) = &batch.finished[0].end else { panic!("{batch:?}") };
    assert_eq!(error.text(), "timed out after 50ms: stopped");
    assert_eq!(pool.scheduler.stats().timed_out, 1);
}

#[test]
fn an_attempt_that_outlasts_the_grace_is_recorded_and_what_its_handler_returns_is_dropped() {
    let mut pool = with_limit(50 * MS);
    let lease = pool.begin(0);
    pool.now += 100 * MS;
    let batch = pool.settling_batch();
    let End::Fail(error) = &batch.finished[0].end else { panic!("{batch:?}") };
    assert_eq!(error.text(), "timed out after 50ms, and the handler did not return");
    assert_eq!(pool.scheduler.held().count(), 0, "its lease is extended no more");
    pool.settled(MS);
    assert_eq!(pool.scheduler.stats().running, 1, "its worker is not free");
    pool.drained(false);
    pool.plan();
    pool.scheduler.look_again();
    pool.finish(0, lease, End::Complete, 200 * MS);
    assert!(pool.scheduler.calls_leader(pool.now), "to claim for the worker");
    assert!(pool.scheduler.settling.is_empty());
    assert_eq!(pool.scheduler.stats().timed_out, 1);
}

#[test]
fn the_next_task_of_a_worker_is_not_notified_of_what_befell_the_last() {
    let mut pool = with_limit(50 * MS);
    let first = pool.begin(0);
    let flags = pool.scheduler.flags(0);
    pool.now += 50 * MS;
    pool.plan();
    pool.scheduler.lost(first.key);
    assert!(flags.timed_out() && flags.lease_lost());
    pool.finish(0, first, End::Complete, 50 * MS);
    pool.claimed([lease(2)]);
    pool.begin(0);
    assert!(!flags.timed_out() && !flags.lease_lost());
}

#[test]
fn the_leader_wakes_for_the_first_limit_and_then_for_the_end_of_its_grace() {
    let limits = vec![Some(50 * MS), Some(10 * MS)];
    let mut pool = Pool::new(Settings { limits, ..settings(2) });
    pool.scheduler.claimed(vec![(lease(1), 1), (lease(2), 0)], None, false, pool.now);
    pool.begin(0);
    pool.begin(1);
    let mut wakes_after = |passed| {
        let plan = pool.scheduler.plan(pool.now + passed, CLOCK, 0);
        let Plan::Wait { until: Some(until), .. } = plan else { panic!("{plan:?}") };
        until - pool.now
    };
    assert_eq!(wakes_after(MS), 10 * MS);
    assert_eq!(wakes_after(10 * MS), 20 * MS, "it is notified and has its limit once more");
}
