//! When results are committed, and how they are counted.

use super::*;

#[test]
fn a_result_is_settled_at_once_if_nothing_is_ready_and_gathered_if_something_is() {
    let mut pool = Pool::with_times(1, MS);
    pool.claimed([lease(1)]);
    pool.scheduler.events_sent(EVENTS_MAX); // no claims
    pool.run(0, MS);
    assert_eq!(Pool::ids(&pool.batch()), [1]);
    pool.settled(MS);

    pool.claimed([lease(2), lease(3)]);
    pool.run(0, MS);
    let LeaderAction::Sleep { until, .. } = pool.leader_action() else { panic!("it gathers") };
    assert_eq!(until, Some(pool.now + SETTLE_DELAY));
    pool.now += SETTLE_DELAY;
    assert_eq!(Pool::ids(&pool.batch()), [2]);
}

#[test]
fn results_are_gathered_for_as_long_as_a_commit_takes() {
    let mut pool = Pool::with_times(1, MS);
    pool.settled(5 * MS);
    pool.claimed([lease(1), lease(2)]);
    pool.scheduler.events_sent(EVENTS_MAX);
    pool.run(0, MS);
    let LeaderAction::Sleep { until, .. } = pool.leader_action() else { panic!("it gathers") };
    assert_eq!(until, Some(pool.now + 5 * MS));
}

#[test]
fn results_are_gathered_from_the_first_one_on() {
    let mut pool = Pool::with_times(1, MS);
    pool.scheduler.events_sent(EVENTS_MAX); // no claims
    pool.claimed((1..=9).map(lease));
    pool.run(0, MS / 10);
    let first = pool.now;
    pool.run(0, MS / 10);
    let LeaderAction::Sleep { until, .. } = pool.leader_action() else { panic!("it gathers") };
    assert_eq!(until, Some(first + SETTLE_DELAY));
}

#[test]
fn half_a_prefetch_of_results_is_enough_to_commit() {
    let mut pool = Pool::new(Settings { prefetch: 4, ..settings(1) });
    pool.scheduler.events_sent(EVENTS_MAX); // no claims
    pool.claimed((1..=9).map(lease));
    pool.run(0, MS / 10);
    assert!(matches!(pool.leader_action(), LeaderAction::Sleep { .. }));
    pool.run(0, MS / 10);
    assert_eq!(Pool::ids(&pool.batch()), [1, 2]);
}

#[test]
fn statistics_count_outcomes() {
    let mut pool = Pool::new(settings(1));
    let outcomes = [Outcome::Completed, Outcome::Retried, Outcome::Dead, Outcome::Released];
    let outcomes = outcomes.map(|outcome| ("default".into(), outcome));
    pool.scheduler.settled(&outcomes, Vec::new(), None, pool.now);
    let stats = pool.scheduler.stats();
    assert_eq!((stats.completed, stats.retried, stats.dead, stats.released), (1, 1, 1, 1));
}
