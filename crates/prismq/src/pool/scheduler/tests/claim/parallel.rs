//! Claims that are made while the leader settles.

use super::*;
use crate::pool::scheduler::claim::parallel::PARALLEL_CLAIM_MAX;

/// A pool whose claims are made in parallel, with handlers that took so long before.
fn parallel(workers: usize, handler: Duration) -> Pool {
    let mut pool = Pool::new(Settings { claims_in_parallel: true, ..settings(workers) });
    pool.scheduler.handler_times.ended(0, handler);
    pool
}

fn claim_action(pool: &mut Pool) -> ClaimAction {
    pool.scheduler.next_claim_action(pool.now, CLOCK, pool.work_signal)
}

/// What is claimed now.
fn requested(pool: &mut Pool) -> ClaimRequest {
    match claim_action(pool) {
        ClaimAction::Claim(request) => request,
        other => panic!("{other:?}"),
    }
}

/// A pool that has claimed a task and run it.
fn with_result(handler: Duration) -> Pool {
    let mut pool = parallel(1, handler);
    requested(&mut pool);
    pool.claimed([lease(1)]);
    pool.run(0, handler);
    pool
}

#[test]
fn results_are_settled_while_a_claim_is_made() {
    let mut pool = with_result(50 * MS);
    assert!(requested(&mut pool).tasks >= 1);
    pool.now += SETTLE_DELAY;
    let batch = pool.batch();
    assert_eq!((Pool::ids(&batch), batch.claim.is_some()), (vec![1], false));
}

#[test]
fn the_leader_claims_nothing_itself() {
    let mut pool = parallel(1, MS);
    assert!(matches!(pool.leader_action(), LeaderAction::Sleep { .. }));
}

/// Also for what a worker needs meanwhile: the thread is woken, although the leader is at the database.
#[test]
fn the_next_tasks_are_claimed_while_results_are_settled() {
    let mut pool = with_result(50 * MS);
    requested(&mut pool);
    pool.now += SETTLE_DELAY;
    pool.batch();
    pool.claimed([lease(2)]);
    assert!(matches!(claim_action(&mut pool), ClaimAction::Sleep { .. }));
    pool.run(0, 50 * MS);
    assert!(pool.scheduler.must_wake_leader(pool.now));
    assert!(!pool.scheduler.must_wake_leader(pool.now), "once is enough");
    requested(&mut pool);
}

/// A caller that enqueues would wait for its claim.
#[test]
fn an_idle_pool_claims_itself_what_is_enqueued_unless_that_is_more_urgent_than_what_it_holds() {
    let mut pool = parallel(1, MS);
    requested(&mut pool);
    pool.becomes_idle(false);
    assert_eq!(pool.scheduler.reserve(0, 0), 0);
    pool.work_signal += 1;
    requested(&mut pool);
    pool.claimed([lease(1), lease(2)]);
    assert_eq!(pool.scheduler.reserve(0, -1), 1);
}

/// What an earlier claim returned would make the caller wait for no reason.
#[test]
fn nothing_is_more_urgent_than_what_a_claim_finds_after_one_that_found_nothing() {
    let mut pool = with_result(MS);
    requested(&mut pool);
    assert_eq!(pool.scheduler.reserve(0, -1), 1);
    pool.scheduler.deliver(1, Vec::new(), 0, pool.now);
    pool.becomes_idle(false);
    pool.work_signal += 1;
    requested(&mut pool);
    assert_eq!(pool.scheduler.reserve(0, -1), 0);
}

/// An extension may wait for a lock, and a failure for a second.
#[test]
fn an_idle_pool_whose_claims_are_held_up_lets_others_claim_for_it() {
    let idle = || {
        let mut pool = parallel(2, MS);
        requested(&mut pool);
        pool.claimed([lease(1)]);
        pool.begin(0);
        pool.becomes_idle(false);
        assert_eq!(pool.scheduler.reserve(0, 0), 0);
        pool
    };
    let mut pool = idle();
    pool.scheduler.parallel_claims.backoff.failed(pool.now);
    assert_eq!(pool.scheduler.reserve(0, 0), 1);
    let mut pool = idle();
    let later = CLOCK.after(LEASE);
    let extends = pool.scheduler.next_claim_action(pool.now, later, pool.work_signal);
    assert!(matches!(extends, ClaimAction::Extend(_)), "{extends:?}");
    assert_eq!(pool.scheduler.reserve(0, 0), 1);
}

#[test]
fn one_claim_is_made_at_a_time() {
    let mut pool = parallel(2, MS);
    requested(&mut pool);
    assert!(matches!(claim_action(&mut pool), ClaimAction::Sleep { until: None, .. }));
    assert!(!pool.scheduler.must_wake_leader(pool.now), "not for what it has claimed already");
    pool.claimed([]);
    assert!(pool.scheduler.must_wake_leader(pool.now));
    requested(&mut pool);
}

#[test]
fn quick_handlers_are_given_the_first_half_while_the_second_is_claimed() {
    let mut pool = parallel(1, MS / 1000);
    assert_eq!(requested(&mut pool).tasks, 1000 + 1, "what the pool may hold");
    let prefetch = 2 * PARALLEL_CLAIM_MAX;
    let mut pool = Pool::new(Settings { claims_in_parallel: true, prefetch, ..settings(1) });
    pool.scheduler.handler_times.ended(0, MS / 1000);
    assert_eq!(requested(&mut pool).tasks, PARALLEL_CLAIM_MAX);
    pool.claimed((1..=PARALLEL_CLAIM_MAX as i64).map(lease));
    assert_eq!(requested(&mut pool).tasks, PARALLEL_CLAIM_MAX);
}

/// Else each of the last results of a claim would be a commit of its own.
#[test]
fn results_are_gathered_while_a_claim_is_made() {
    let mut pool = with_result(MS);
    requested(&mut pool);
    assert!(matches!(pool.leader_action(), LeaderAction::Sleep { .. }));
    pool.becomes_idle(false);
    assert_eq!(Pool::ids(&pool.batch()), [1], "nothing more comes");
    // The claim may take long.
    let mut pool = with_result(MS);
    pool.settled(SETTLE_DELAY_MAX);
    requested(&mut pool);
    pool.now += SETTLE_DELAY;
    assert_eq!(Pool::ids(&pool.batch()), [1]);
}

/// As it may not end soon.
#[test]
fn nothing_is_claimed_after_a_fault_before_what_waits_is_settled() {
    let mut pool = with_result(50 * MS);
    pool.scheduler.fail(Error::Full { reason: "disk".to_owned() }, pool.now);
    let sleeps = |pool: &mut Pool| matches!(claim_action(pool), ClaimAction::Sleep { .. });
    assert!(sleeps(&mut pool));
    pool.now += Duration::from_secs(1);
    assert!(sleeps(&mut pool));
    assert_eq!(Pool::ids(&pool.batch()), [1]);
    assert!(sleeps(&mut pool), "nor while it is");
    let faults = pool.scheduler.faults();
    pool.settled(MS);
    pool.scheduler.recover(Side::Leader, faults);
    requested(&mut pool);
}

/// A result that is refused each time must not keep the pool from all other tasks.
#[test]
fn a_result_that_is_tried_again_keeps_nothing_from_being_claimed() {
    let mut pool = with_result(50 * MS);
    pool.now += SETTLE_DELAY;
    let settle = pool.batch().settle;
    pool.scheduler.back_off(Side::Leader, pool.now);
    pool.scheduler.settled(&[], settle, None, pool.now);
    requested(&mut pool);
    // Nor is it tried sooner as claims succeed.
    pool.scheduler.recover(Side::Claims, pool.scheduler.faults());
    pool.claimed([]);
    assert!(matches!(pool.leader_action(), LeaderAction::Sleep { .. }));
    pool.now += Duration::from_secs(1);
    assert_eq!(Pool::ids(&pool.batch()), [1]);
}

#[test]
fn claims_are_tried_again_once_the_wait_after_an_outage_is_over() {
    let mut pool = parallel(1, MS);
    pool.scheduler.back_off(Side::Claims, pool.now);
    let ClaimAction::Sleep { until: Some(until), .. } = claim_action(&mut pool) else {
        panic!("it waits")
    };
    pool.now = until;
    requested(&mut pool);
}

#[test]
fn nothing_is_claimed_before_results_whose_leases_expired_are_settled() {
    let mut pool = with_result(50 * MS);
    let expired = CLOCK.after(LEASE);
    let claims = |pool: &mut Pool| {
        let action = pool.scheduler.next_claim_action(pool.now, expired, 0);
        matches!(action, ClaimAction::Claim(_))
    };
    assert!(!claims(&mut pool));
    let action = pool.scheduler.next_leader_action(pool.now, expired, 0);
    assert!(matches!(action, LeaderAction::Submit(_)), "{action:?}");
    assert!(!claims(&mut pool), "nor while they are");
    pool.settled(MS);
    assert!(claims(&mut pool));
}

/// When tasks are due, or a lease expires.
#[test]
fn an_idle_pool_claims_again_when_something_is_due() {
    let mut pool = parallel(1, MS);
    requested(&mut pool);
    let next_due = Some(CLOCK.after(MS));
    let short = ShortClaim { next_due, ..short_claim(pool.work_signal) };
    pool.scheduler.accept_claim(Vec::new(), Some(short), true, pool.now);
    let action = claim_action(&mut pool);
    let is_right = |due| due == next_due;
    assert!(
        matches!(action, ClaimAction::Sleep { due, idle: true, .. } if is_right(due)),
        "{action:?}"
    );
    assert!(!pool.scheduler.must_wake_leader(pool.now));
    let action = pool.scheduler.next_claim_action(pool.now, CLOCK.after(MS), pool.work_signal);
    assert!(matches!(action, ClaimAction::Claim(_)), "{action:?}");
}

/// Else whoever brings work would not wake the thread that claims, as the pool would not look idle.
#[test]
fn the_leader_ends_no_idle_state() {
    let mut pool = parallel(1, MS);
    requested(&mut pool);
    pool.becomes_idle(false);
    pool.work_signal += 1;
    assert!(matches!(pool.leader_action(), LeaderAction::Sleep { idle: true, .. }));
    assert!(pool.scheduler.is_idle());
    requested(&mut pool);
}

/// A commit may take long, and after a crash all of its results run again.
#[test]
fn nothing_is_claimed_while_too_many_results_wait() {
    let mut pool = parallel(1, MS / 1000);
    let mut results = 0;
    while let ClaimAction::Claim(request) = claim_action(&mut pool) {
        let first = results + 1;
        results += request.tasks as i64;
        assert!(results < 10_000, "nothing was committed");
        pool.claimed((first..=results).map(lease));
        for _ in first..=results {
            pool.run(0, MS / 1000);
        }
    }
    assert!(!pool.scheduler.must_wake_claims(pool.now));
    pool.batch();
    assert!(matches!(claim_action(&mut pool), ClaimAction::Sleep { .. }), "not committed yet");
    pool.settled(MS);
    requested(&mut pool);
}

/// Else running tasks would be taken back while a commit takes long, by the next claim of the pool itself.
#[test]
fn leases_are_extended_while_results_are_settled() {
    let mut pool = with_result(50 * MS);
    pool.claimed([lease(2)]);
    pool.begin(0);
    pool.now += SETTLE_DELAY;
    pool.batch();
    let due = CLOCK.after(LEASE / HEARTBEATS_PER_LEASE);
    let sleep = claim_action(&mut pool);
    let is_right = |at| at == Some(due);
    assert!(matches!(sleep, ClaimAction::Sleep { due, .. } if is_right(due)), "{sleep:?}");
    let ClaimAction::Extend(extend) =
        pool.scheduler.next_claim_action(pool.now, due, pool.work_signal)
    else {
        panic!("it is time")
    };
    assert_eq!(extend, [lease(2).key]);
    pool.settled(MS);
    let action = pool.scheduler.next_leader_action(pool.now, due.after(LEASE / 2), 0);
    assert!(matches!(action, LeaderAction::Sleep { .. }), "not by the leader: {action:?}");
}

#[test]
fn leases_are_extended_until_a_shutdown_has_ended() {
    let mut pool = parallel(1, MS);
    requested(&mut pool);
    pool.claimed([lease(1)]);
    let running = pool.begin(0);
    pool.scheduler.drain(pool.now);
    let due = CLOCK.after(LEASE / HEARTBEATS_PER_LEASE);
    let action = pool.scheduler.next_claim_action(pool.now, due, pool.work_signal);
    let ClaimAction::Extend(extend) = action else { panic!("{action:?}") };
    assert_eq!(extend, [running.key]);
    pool.scheduler.stop();
    assert!(matches!(claim_action(&mut pool), ClaimAction::Exit));
}

#[test]
fn tasks_of_a_claim_sent_before_a_fault_are_released() {
    let mut pool = parallel(1, MS);
    requested(&mut pool);
    pool.scheduler.fail(Error::Full { reason: "disk".to_owned() }, pool.now);
    pool.claimed([lease(1)]);
    assert!(matches!(pool.action(0), WorkerAction::Wait));
    assert_eq!(pool.scheduler.unreleased(), [TaskId::from_i64(1)]);
    pool.now += Duration::from_secs(1);
    assert_eq!(Pool::ids(&pool.batch()), [1]);
    pool.settled(MS);
    // One that was sent after it shows that it has ended.
    requested(&mut pool);
    pool.claimed([lease(2)]);
    pool.begin(0);
}

#[test]
fn a_shutdown_waits_for_the_claim_and_releases_its_tasks() {
    let mut pool = parallel(1, MS);
    requested(&mut pool);
    pool.scheduler.drain(pool.now);
    assert!(matches!(pool.leader_action(), LeaderAction::Sleep { .. }));
    assert!(!pool.scheduler.is_settled(None));
    pool.claimed([lease(1)]);
    assert!(matches!(claim_action(&mut pool), ClaimAction::Sleep { .. }));
    assert!(pool.scheduler.must_wake_leader(pool.now));
    assert_eq!(Pool::ids(&pool.batch()), [1]);
    pool.settled(MS);
    assert!(matches!(pool.leader_action(), LeaderAction::Exit));
}

#[test]
fn tasks_of_a_claim_sent_before_a_pause_are_released() {
    let mut pool = parallel(1, MS);
    requested(&mut pool);
    pool.scheduler.paused(0, pool.now);
    pool.claimed([lease(1)]);
    assert_eq!(Pool::ids(&pool.batch()), [1]);
}

/// The answer to a claim says nothing of a commit that has failed since it was sent.
#[test]
fn a_transaction_that_was_sent_before_a_fault_does_not_end_it() {
    let mut pool = parallel(1, MS);
    requested(&mut pool);
    let faults = pool.scheduler.faults();
    pool.scheduler.fail(Error::Full { reason: "disk".to_owned() }, pool.now);
    pool.claimed([]);
    assert!(!pool.scheduler.recover(Side::Leader, faults));
    assert!(pool.scheduler.is_suspended());
    assert!(pool.scheduler.recover(Side::Leader, pool.scheduler.faults()));
}
