//! When results are committed, and what is extended with them.

use super::*;

#[test]
fn a_result_is_settled_at_once_if_nothing_is_ready_and_gathered_if_something_is() {
    let mut pool = Pool::with_times(1, MS);
    pool.claimed([lease(1)]);
    pool.scheduler.events = crate::limits::EVENTS_MAX; // no claims
    pool.run(0, MS);
    assert_eq!(Pool::ids(&pool.batch()), [1]);
    pool.settled(MS);

    pool.claimed([lease(2), lease(3)]);
    pool.run(0, MS);
    let Plan::Wait { until, .. } = pool.plan() else { panic!("it gathers") };
    assert_eq!(until, Some(pool.now + SETTLE_DELAY));
    pool.now += SETTLE_DELAY;
    assert_eq!(Pool::ids(&pool.batch()), [2]);
}

#[test]
fn results_are_gathered_for_as_long_as_a_commit_takes() {
    let mut pool = Pool::with_times(1, MS);
    pool.settled(5 * MS);
    pool.claimed([lease(1), lease(2)]);
    pool.scheduler.events = crate::limits::EVENTS_MAX;
    pool.run(0, MS);
    let Plan::Wait { until, .. } = pool.plan() else { panic!("it gathers") };
    assert_eq!(until, Some(pool.now + 5 * MS));
}

#[test]
fn a_worker_without_a_task_does_not_wait_for_a_sync_and_results_wait_once() {
    let mut pool = Pool::with_times(1, 50 * MS);
    pool.claimed([lease(1)]);
    pool.run(0, 50 * MS);
    let first = pool.batch();
    assert_eq!((first.finished.len(), first.claim.is_some()), (0, true), "the claim goes ahead");
    pool.claimed([]);
    let second = pool.batch();
    assert_eq!((second.finished.len(), second.claim.is_some()), (1, true));
}

#[test]
fn after_an_outage_results_go_with_the_claim_that_would_take_their_leases_back() {
    let mut pool = Pool::with_times(1, 50 * MS);
    pool.claimed([lease(1)]);
    pool.run(0, 50 * MS);
    pool.scheduler.back_off(pool.now);
    pool.now += Duration::from_secs(1);
    let batch = pool.batch();
    assert_eq!((batch.finished.len(), batch.claim.is_some()), (1, true));

    let mut pool = Pool::with_times(1, 50 * MS);
    pool.claimed([lease(1)]);
    pool.run(0, 50 * MS);
    let expired = CLOCK.after(LEASE);
    let Plan::Submit(batch) = pool.scheduler.plan(pool.now, expired, 0) else {
        panic!("it settles")
    };
    assert_eq!((batch.finished.len(), batch.claim.is_some()), (1, true));
}

#[test]
fn a_refused_batch_is_tried_again_after_a_wait() {
    let mut pool = Pool::with_times(1, MS);
    pool.claimed([lease(1)]);
    pool.run(0, MS);
    pool.scheduler.events = crate::limits::EVENTS_MAX;
    let batch = pool.batch();
    pool.scheduler.settled(&[], batch.finished, None, pool.now);
    pool.scheduler.back_off(pool.now);
    let Plan::Wait { until: Some(until), .. } = pool.plan() else { panic!("it waits") };
    assert_eq!(until, pool.now + 10 * MS);
    pool.now = until;
    assert_eq!(Pool::ids(&pool.batch()), [1]);
}

#[test]
fn leases_of_all_that_is_held_are_extended_in_time() {
    let mut pool = Pool::with_times(1, 10 * MS);
    pool.claimed((1..=3).map(lease));
    pool.run(0, 10 * MS);
    pool.begin(0);
    let due = CLOCK.after(LEASE / leader_action::BEATS_PER_LEASE);
    let Plan::Submit(batch) = pool.scheduler.plan(pool.now, due, 0) else { panic!("it is time") };
    let mut extended: Vec<_> = batch.extend.iter().map(|key| key.id.as_i64()).collect();
    extended.sort_unstable();
    assert_eq!(extended, [1, 2, 3]);
    let ends = batch.extend.iter().map(|key| (*key, at(due.after(LEASE)))).collect();
    pool.scheduler.extended(&ends);
    assert!(pool.scheduler.held().all(|lease| lease.expires_at == at(due.after(LEASE))));
}

#[test]
fn a_heartbeat_that_is_due_waits_while_the_database_refuses() {
    let mut pool = Pool::with_times(1, 50 * MS);
    pool.claimed([lease(1)]);
    pool.begin(0);
    pool.scheduler.back_off(pool.now);
    let beat = CLOCK.after(LEASE / leader_action::BEATS_PER_LEASE);
    let plan = pool.scheduler.plan(pool.now, beat, 0);
    let Plan::Wait { until: Some(until), due: None, .. } = plan else { panic!("{plan:?}") };
    let plan = pool.scheduler.plan(until, beat, 0);
    let Plan::Submit(batch) = plan else { panic!("{plan:?}") };
    assert_eq!(batch.extend, [lease(1).key]);
}

#[test]
fn a_lost_lease_notifies_the_handler_and_drops_what_is_not_begun() {
    let mut pool = Pool::with_times(1, MS);
    pool.claimed([lease(1), lease(2)]);
    let running = pool.begin(0);
    let flags: Arc<Flags> = pool.scheduler.flags(0);
    assert!(pool.scheduler.lost(running.key).is_none());
    assert!(flags.lease_lost());
    assert_eq!(pool.scheduler.lost(lease(2).key).map(|lease| lease.id().as_i64()), Some(2));
    assert!(matches!(pool.step(0), Step::Wait));
    assert_eq!(pool.scheduler.stats().lease_lost, 1);
}

#[test]
fn a_task_whose_payload_was_not_read_is_settled_without_having_run() {
    let mut pool = Pool::with_times(1, MS);
    let apart = |id| Lease { payload: Payload::unread(), ..lease(id) };
    pool.claimed([apart(1), apart(2), apart(3)]);
    let Step::Read(keys) = pool.step(0) else { panic!("payloads are to be read") };
    assert_eq!(keys.len(), 3);
    assert!(matches!(pool.step(0), Step::Wait), "one reads for all");
    let missing = Error::Corrupt { path: "q".into(), reason: "missing".to_owned() };
    let answers = [Err(BUSY), Err(missing), Ok(Payload::part(Arc::default(), 0..0))];
    pool.scheduler.end_read(keys.into_iter().zip(answers).collect(), pool.now);
    let ends: Vec<_> = pool.scheduler.settling.iter().map(|finished| &finished.end).collect();
    assert!(matches!(ends.as_slice(), [End::Unread(_), End::Unread(_)]), "{ends:?}");
    assert_eq!(pool.scheduler.stats().unsettled, 0);
    assert_eq!(pool.step(0).ran(), Some(3));
    pool.claimed([apart(4)]);
    assert!(matches!(pool.step(0), Step::Read(_)), "the next are read in turn");
}

#[test]
fn a_clock_that_was_set_back_has_leases_extended_at_once() {
    let mut pool = Pool::with_times(1, 50 * MS);
    pool.claimed([lease(1)]);
    pool.begin(0);
    let plan = pool.scheduler.plan(pool.now, Timestamp::from_micros(1), 0);
    let Plan::Submit(batch) = plan else { panic!("{plan:?}") };
    assert_eq!(batch.extend, [lease(1).key]);
}

#[test]
fn a_batch_that_is_accepted_ends_the_wait_after_a_refusal() {
    let mut pool = Pool::with_times(1, MS);
    pool.scheduler.back_off(pool.now);
    assert_eq!(pool.room(), None);
    assert!(!pool.scheduler.recover(), "it was no fault of the queue");
    assert!(pool.room().is_some());
}

#[test]
fn results_are_gathered_from_the_first_one_on() {
    let mut pool = Pool::with_times(1, MS);
    pool.scheduler.events = crate::limits::EVENTS_MAX; // no claims
    pool.claimed((1..=9).map(lease));
    pool.run(0, MS / 10);
    let first = pool.now;
    pool.run(0, MS / 10);
    let Plan::Wait { until, .. } = pool.plan() else { panic!("it gathers") };
    assert_eq!(until, Some(first + SETTLE_DELAY));
}

#[test]
fn half_a_prefetch_of_results_is_enough_to_commit() {
    let mut pool = Pool::new(Settings { prefetch: 4, ..settings(1) });
    pool.scheduler.events = crate::limits::EVENTS_MAX; // no claims
    pool.claimed((1..=9).map(lease));
    pool.run(0, MS / 10);
    assert!(matches!(pool.plan(), Plan::Wait { .. }));
    pool.run(0, MS / 10);
    assert_eq!(Pool::ids(&pool.batch()), [1, 2]);
}

#[test]
fn statistics_count_what_the_answers_say() {
    let mut pool = Pool::new(settings(1));
    let event = |outcome| Event { id: TaskId::from_i64(1), worker: Some(0), attempt: 1, outcome };
    let events =
        [Outcome::Completed, Outcome::Retried, Outcome::Dead, Outcome::Released].map(event);
    pool.scheduler.settled(&events, Vec::new(), None, pool.now);
    let stats = pool.scheduler.stats();
    assert_eq!((stats.completed, stats.retried, stats.dead, stats.released), (1, 1, 1, 1));
}
