//! When a pool claims nothing, and when it claims again.

use super::*;

#[test]
fn new_work_ends_the_idle_state() {
    let mut pool = Pool::new(settings(1));
    pool.becomes_idle(false);
    assert!(matches!(pool.leader_action(), LeaderAction::Sleep { idle: true, .. }));
    pool.work_signal += 1;
    assert!(pool.request().is_some());
}

#[test]
fn a_pool_polls_as_often_as_without_reports_once_there_are_none() {
    let mut pool = Pool::new(settings(1));
    pool.becomes_idle(false);
    let LeaderAction::Sleep { until: Some(before), .. } = pool.leader_action() else {
        panic!("the leader does not sleep");
    };
    pool.scheduler.poll_alone();
    let LeaderAction::Sleep { until: Some(after), .. } = pool.leader_action() else {
        panic!("the leader does not sleep");
    };
    assert_eq!(before - after, Duration::from_secs(3600 - 60));
}

#[test]
fn a_pool_claims_again_when_the_next_task_is_due_or_the_clock_was_set_back() {
    let due = CLOCK.after(LEASE);
    for (clock, claims) in [(CLOCK, false), (due, true), (Timestamp::from_micros(1), true)] {
        let mut pool = Pool::new(settings(1));
        let drained = ShortClaim {
            work_signal: 0,
            clock: CLOCK,
            version: 1,
            next_due: Some(due),
            without_suspects: false,
            limited_left: false,
            bounded_left: false,
            ready_left: false,
        };
        pool.scheduler.accept_claim(Vec::new(), Some(drained), true, pool.now);
        let action = pool.scheduler.next_leader_action(pool.now, clock, 0);
        assert_eq!(matches!(action, LeaderAction::Submit(_)), claims, "{clock:?}: {action:?}");
    }
}
