//! The decisions, one by one, without a thread: time is what each call says it is.

use std::sync::Arc;
use std::time::{Duration, Instant};

use super::slots::Flags;
use super::wake::{QUICK, STUCK};
use super::*;
use crate::clock::Moment;
use crate::error::Error;
use crate::lease::Payload;
use crate::limits::{PREFETCH_TIME, SETTLE_DELAY, SUSPECT_ALONE};
use crate::pool::event::{Event, Outcome};
use crate::pool::suspects::SuspectGate;

const MS: Duration = Duration::from_millis(1);
const LEASE: Duration = Duration::from_secs(60);
const CLOCK: Timestamp = Timestamp::from_micros(1_000_000_000);
const BUSY: Error = Error::Busy { waited: Duration::ZERO };

/// A scheduler, the time, and where the signal of new work stands.
struct Pool {
    scheduler: Scheduler,
    now: Instant,
    signalled: u64,
}

fn settings(workers: usize) -> Settings {
    Settings {
        workers,
        prefetch: 1000,
        lease: LEASE,
        look_every: Duration::from_secs(3600),
        limits: vec![None; 2],
        gate: Arc::default(),
    }
}

/// The moment of this monotonic time; the wall clock is another.
fn at(monotonic: Timestamp) -> Moment {
    Moment { wall: Timestamp::default(), monotonic }
}

fn lease(id: i64) -> Lease {
    Lease {
        key: LeaseKey {
            id: TaskId::from_i64(id),
            token: 1,
            file: 1,
            queue: 1,
            payload_apart: false,
        },
        task_type: "t".into(),
        payload: Payload::part(Arc::default(), 0..0),
        priority: 0,
        order_key: id,
        attempt: 1,
        max_attempts: 5,
        enqueued_at: CLOCK,
        expires_at: at(CLOCK.after(LEASE)),
        suspect: false,
    }
}

fn suspect(id: i64) -> Lease {
    Lease { suspect: true, ..lease(id) }
}

impl Pool {
    fn new(settings: Settings) -> Self {
        let now = Instant::now();
        let scheduler = Scheduler::new(settings, Arc::default(), now, CLOCK);
        Self { scheduler, now, signalled: 0 }
    }

    /// One whose handlers took so long before.
    fn with_times(workers: usize, handler: Duration) -> Self {
        let mut pool = Self::new(settings(workers));
        pool.scheduler.times.ended(0, handler);
        pool
    }

    fn plan(&mut self) -> Plan {
        self.scheduler.plan(self.now, CLOCK, self.signalled)
    }

    fn batch(&mut self) -> Batch {
        match self.plan() {
            Plan::Submit(batch) => batch,
            other => panic!("{other:?}"),
        }
    }

    /// What the leader claims; it has nothing else to do.
    fn room(&mut self) -> Option<Room> {
        match self.plan() {
            Plan::Submit(batch) => batch.claim,
            _ => None,
        }
    }

    fn claimed(&mut self, leases: impl IntoIterator<Item = Lease>) {
        let leases = leases.into_iter().map(|lease| (lease, 0)).collect();
        self.scheduler.claimed(leases, None, false, self.now);
    }

    /// A claim that found nothing more.
    fn drained(&mut self, without_suspects: bool) {
        let seen = self.signalled;
        let drained = Drained { seen, clock: CLOCK, version: 1, next_due: None, without_suspects };
        self.scheduler.claimed(Vec::new(), Some(drained), !without_suspects, self.now);
    }

    fn step(&mut self, worker: usize) -> Step {
        self.scheduler.next(worker, self.now)
    }

    /// A worker begins the next task.
    fn begin(&mut self, worker: usize) -> Lease {
        match self.step(worker) {
            Step::Run(held) => held.lease,
            other => panic!("{other:?}"),
        }
    }

    fn finish(&mut self, worker: usize, lease: Lease, end: End, took: Duration) {
        let finished = Finished { lease, worker: Some(worker), end };
        self.scheduler.finish(finished, took, self.now);
    }

    /// A worker runs the next task to its end.
    fn run(&mut self, worker: usize, took: Duration) {
        let lease = self.begin(worker);
        self.now += took;
        self.finish(worker, lease, End::Complete, took);
    }

    fn settled(&mut self, took: Duration) {
        self.scheduler.settled(&[], Vec::new(), Some(took), self.now);
    }

    fn ids(batch: &Batch) -> Vec<i64> {
        batch.finished.iter().map(|finished| finished.lease.id().as_i64()).collect()
    }
}

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
fn a_claim_made_before_a_pause_brings_nothing_after_it() {
    let mut pool = Pool::with_times(1, MS);
    assert!(pool.room().is_some());
    pool.scheduler.paused(pool.now);
    pool.claimed([lease(1)]);
    assert!(matches!(pool.step(0), Step::Wait));
    assert_eq!(Pool::ids(&pool.settling_batch()), [1]);
}

#[test]
fn an_abandoned_pool_waits_for_what_others_may_have_claimed_for_it() {
    let mut pool = Pool::new(settings(1));
    pool.drained(false);
    assert_eq!(pool.scheduler.promise(Some(0)), 1);
    pool.scheduler.drain(pool.now);
    pool.scheduler.abandon();
    assert!(matches!(pool.plan(), Plan::Wait { .. }));
    pool.scheduler.keep_promise(1, vec![(lease(1), 0)], 0, pool.now);
    assert_eq!(Pool::ids(&pool.batch()), [1]);
}

#[test]
fn a_shutdown_tries_once_more_after_a_fault_that_may_have_ended() {
    let mut pool = Pool::with_times(1, MS);
    pool.claimed([lease(1)]);
    pool.run(0, MS);
    let moved = || Error::Moved { path: "q".into() };
    pool.scheduler.fail(moved(), pool.now);
    pool.scheduler.drain(pool.now);
    assert!(!pool.scheduler.is_settled(None));
    let batch = pool.batch();
    assert_eq!(Pool::ids(&batch), [1]);
    pool.scheduler.settled(&[], batch.finished, None, pool.now);
    pool.scheduler.fail(moved(), pool.now);
    assert!(pool.scheduler.is_settled(None), "it has not ended");
}

#[test]
fn the_leader_is_called_for_what_is_sooner_than_it_wakes() {
    let mut pool = Pool::with_times(1, MS);
    pool.drained(false);
    pool.plan();
    assert!(!pool.scheduler.calls_leader(pool.now), "nothing to do");
    pool.scheduler.keep_promise(0, vec![(lease(1), 0)], 0, pool.now);
    pool.run(0, MS);
    assert!(pool.scheduler.calls_leader(pool.now));
    assert!(!pool.scheduler.calls_leader(pool.now), "once");
    assert_eq!(pool.batch().finished.len(), 1);
    pool.run_nothing();
    assert!(!pool.scheduler.calls_leader(pool.now), "it looks at everything when it is back");
}

#[test]
fn an_idle_pool_lets_others_claim_for_its_free_workers_only() {
    let mut pool = Pool::new(settings(3));
    assert_eq!(pool.scheduler.promise(Some(0)), 0, "the leader is about to claim itself");
    pool.claimed([lease(1)]);
    pool.begin(0);
    pool.drained(false);
    assert_eq!(pool.scheduler.promise(Some(0)), 2);
    assert_eq!(pool.scheduler.promise(Some(0)), 0, "all are promised");
    pool.scheduler.keep_promise(2, vec![(lease(2), 0)], 0, pool.now);
    assert_eq!(pool.scheduler.promise(Some(0)), 1);
}

#[test]
fn a_busy_pool_takes_what_is_more_urgent_than_what_it_holds() {
    let mut pool = Pool::with_times(1, MS);
    let of = |id, priority| Lease { priority, ..lease(id) };
    pool.claimed([of(10, 100), of(11, 100)]);
    pool.begin(0);
    assert_eq!(pool.scheduler.promise(Some(100)), 0, "its turn comes later");
    assert_eq!(pool.scheduler.promise(Some(99)), 1);
    pool.scheduler.keep_promise(1, vec![(of(1, 99), 0)], 0, pool.now);
    assert_eq!(pool.step(0).ran(), Some(1));
    assert_eq!(pool.step(0).ran(), Some(11));

    assert_eq!(pool.scheduler.promise(Some(0)), 0, "the leader claims it");
    assert!(pool.batch().claim.is_some());
    assert_eq!(pool.scheduler.promise(Some(0)), 1, "where it may be too late for that");
}

#[test]
fn a_promise_kept_after_the_end_is_given_back() {
    let mut pool = Pool::new(settings(1));
    pool.drained(false);
    assert_eq!(pool.scheduler.promise(Some(0)), 1);
    pool.scheduler.drain(pool.now);
    assert!(!pool.scheduler.is_settled(None));
    pool.scheduler.keep_promise(1, vec![(lease(1), 0)], 0, pool.now);
    assert_eq!(Pool::ids(&pool.batch()), [1]);
    pool.settled(MS);
    assert!(matches!(pool.plan(), Plan::Exit));
}

#[test]
fn new_work_ends_the_rest() {
    let mut pool = Pool::new(settings(1));
    pool.drained(false);
    assert!(matches!(pool.plan(), Plan::Wait { idle: true, .. }));
    pool.signalled += 1;
    assert!(pool.room().is_some());
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
fn a_fault_that_lasts_ends_the_pool() {
    let mut pool = Pool::with_times(2, MS);
    pool.claimed([lease(1), lease(2)]);
    pool.begin(0);
    let fault = pool.scheduler.fail(Error::Poisoned { cause: "sync".to_owned() }, pool.now);
    assert!(!fault.unwrap().may_end);
    assert!(!pool.scheduler.is_running() && pool.scheduler.has_stopped());
    assert!(matches!(pool.step(1), Step::Exit));
    assert!(matches!(pool.plan(), Plan::Exit));
}

#[test]
fn a_fault_that_may_end_suspends_the_pool_until_a_batch_is_accepted() {
    let mut pool = Pool::with_times(2, MS);
    pool.claimed([lease(1), lease(2)]);
    pool.begin(0);
    let too_new = Error::SchemaTooNew { path: "q".into(), found: 9, supported: 2 };
    let fault = pool.scheduler.fail(too_new.clone(), pool.now);
    assert!(fault.unwrap().may_end);
    assert!(pool.scheduler.fail(too_new, pool.now).is_none(), "it is reported once");
    assert!(matches!(pool.plan(), Plan::Wait { .. }), "it is not tried at once");
    assert!(!pool.scheduler.is_running() && !pool.scheduler.has_stopped());
    assert!(matches!(pool.step(1), Step::Wait), "what was held is not run");
    pool.now += Duration::from_secs(1);
    let batch = pool.batch();
    assert_eq!(
        (Pool::ids(&batch), batch.claim.is_some()),
        (vec![2], false),
        "settled before claims"
    );
    pool.settled(MS);
    assert!(pool.scheduler.recover());
    assert!(pool.scheduler.is_running() && pool.room().is_some());
}

#[test]
fn an_idle_pool_that_meets_a_fault_looks_by_a_claim_whether_it_has_ended() {
    let mut pool = Pool::new(settings(1));
    pool.drained(false);
    assert!(matches!(pool.plan(), Plan::Wait { .. }));
    pool.scheduler.fail(Error::Moved { path: "q".into() }, pool.now);
    assert_eq!(pool.room(), None, "not at once");
    pool.now += Duration::from_secs(1);
    assert!(pool.room().is_some());
}

#[test]
fn a_shutdown_gives_back_what_is_held_and_waits_for_what_runs() {
    let mut pool = Pool::with_times(2, MS);
    pool.claimed((1..=3).map(lease));
    let running = pool.begin(0);
    pool.scheduler.drain(pool.now);
    assert_eq!(Pool::ids(&pool.batch()), [2, 3]);
    pool.settled(MS);
    pool.plan();
    assert!(!pool.scheduler.is_settled(None));
    assert!(pool.scheduler.is_settled(Some(0)), "but for the handler that asks");
    assert_eq!(pool.scheduler.running(), [TaskId::from_i64(1)]);
    pool.finish(0, running, End::Complete, MS);
    assert_eq!(pool.scheduler.unsettled(), [TaskId::from_i64(1)]);
    let batch = pool.batch();
    assert_eq!(Pool::ids(&batch), [1]);
    assert_eq!(pool.scheduler.unsettled(), [TaskId::from_i64(1)], "until it is committed");
    assert!(!pool.scheduler.is_settled(None));
    pool.settled(MS);
    assert_eq!(pool.scheduler.unsettled(), []);
    assert!(matches!(pool.plan(), Plan::Exit));
}

#[test]
fn an_abandoned_pool_ends_when_its_leases_have_expired() {
    let mut pool = Pool::with_times(1, MS);
    pool.claimed([lease(1)]);
    pool.begin(0);
    pool.scheduler.drain(pool.now);
    pool.scheduler.abandon();
    assert!(matches!(pool.plan(), Plan::Wait { .. }));
    let beat = CLOCK.after(LEASE / leading::BEATS_PER_LEASE);
    let plan = pool.scheduler.plan(pool.now, beat, 0);
    assert!(matches!(plan, Plan::Wait { .. }), "leases are extended no more: {plan:?}");
    let expired = CLOCK.after(LEASE);
    assert!(matches!(pool.scheduler.plan(pool.now, expired, 0), Plan::Exit));
}

#[test]
fn leases_of_all_that_is_held_are_extended_in_time() {
    let mut pool = Pool::with_times(1, 10 * MS);
    pool.claimed((1..=3).map(lease));
    pool.run(0, 10 * MS);
    pool.begin(0);
    let due = CLOCK.after(LEASE / leading::BEATS_PER_LEASE);
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
    let beat = CLOCK.after(LEASE / leading::BEATS_PER_LEASE);
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
fn a_suspect_runs_once_its_beginning_is_noted() {
    let mut pool = Pool::with_times(2, MS);
    assert_eq!(pool.room().unwrap().suspects, 1);
    pool.scheduler.claimed(vec![(suspect(1), 0), (lease(2), 0)], None, true, pool.now);
    assert_eq!(pool.step(0).ran(), Some(2), "others need not wait");
    let batch = pool.batch();
    assert_eq!(batch.begin, Some(suspect(1).key));
    assert!(matches!(pool.step(1), Step::Wait));
    pool.scheduler.suspect_begun(suspect(1).key);
    assert_eq!(pool.step(1).ran(), Some(1));
}

#[test]
fn suspects_run_one_at_a_time_whatever_the_number_of_pools() {
    let gate: Arc<SuspectGate> = Arc::default();
    let pool = || Pool::new(Settings { gate: gate.clone(), ..settings(2) });
    let (mut first, mut second) = (pool(), pool());
    assert_eq!(first.room().unwrap().suspects, 1);
    first.scheduler.claimed(vec![(suspect(1), 0)], None, true, first.now);
    first.scheduler.suspect_begun(suspect(1).key);
    let lease = first.begin(0);
    assert_eq!(first.room().unwrap().suspects, 0);
    assert_eq!(second.room().unwrap().suspects, 0);
    second.drained(true);
    assert_eq!(second.room(), None);
    let seen = second.scheduler.signal.count();
    first.finish(0, lease, End::Complete, MS);
    assert!(second.scheduler.signal.count() > seen, "the other is called");
    assert_eq!(second.room().unwrap().suspects, 1);
}

#[test]
fn the_next_suspect_is_claimed_when_the_last_has_ended() {
    let mut pool = Pool::new(settings(2));
    pool.room();
    let drained =
        Drained { seen: 0, clock: CLOCK, version: 1, next_due: None, without_suspects: false };
    pool.scheduler.claimed(vec![(suspect(1), 0)], Some(drained), true, pool.now);
    pool.scheduler.suspect_begun(suspect(1).key);
    let lease = pool.begin(0);
    assert_eq!(pool.room(), None, "others would have to wait for it");
    pool.finish(0, lease, End::Complete, MS);
    assert_eq!(pool.room().unwrap().suspects, 1);
}

#[test]
fn a_claim_that_brings_no_suspect_leaves_the_permit_to_others() {
    let mut pool = Pool::new(settings(1));
    assert_eq!(pool.room().unwrap().suspects, 1);
    assert!(pool.scheduler.settings.gate.is_taken());
    pool.scheduler.claimed(vec![(lease(1), 0)], None, true, pool.now);
    assert!(!pool.scheduler.settings.gate.is_taken());
}

#[test]
fn a_suspect_that_runs_long_keeps_others_waiting_for_a_bounded_time() {
    let mut pool = Pool::new(settings(2));
    pool.room();
    pool.scheduler.claimed(vec![(suspect(1), 0)], None, true, pool.now);
    pool.scheduler.suspect_begun(suspect(1).key);
    let lease = pool.begin(0);
    pool.now += SUSPECT_ALONE;
    assert_eq!(pool.room().unwrap().suspects, 1, "another may run");
    pool.scheduler.claimed(vec![(suspect(2), 0)], None, true, pool.now);
    pool.scheduler.suspect_begun(suspect(2).key);
    pool.begin(1);
    pool.finish(0, lease, End::Complete, SUSPECT_ALONE);
    assert!(pool.scheduler.settings.gate.is_taken(), "the permit is the other's");
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
fn a_payload_that_cannot_be_read_now_costs_no_attempt_and_a_missing_one_does() {
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
    assert!(matches!(ends.as_slice(), [End::Release, End::Fail(_)]), "{ends:?}");
    assert_eq!(pool.step(0).ran(), Some(3));
    pool.claimed([apart(4)]);
    assert!(matches!(pool.step(0), Step::Read(_)), "the next are read in turn");
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
fn a_pool_that_ends_has_nothing_claimed_for_it() {
    let mut pool = Pool::new(settings(1));
    pool.room();
    pool.scheduler.drain(pool.now);
    pool.drained(false);
    assert_eq!(pool.scheduler.promise(Some(0)), 0);
}

#[test]
fn a_result_in_the_leaders_hands_is_not_settled_yet() {
    let mut pool = Pool::with_times(1, MS);
    pool.scheduler.events = crate::limits::EVENTS_MAX; // no claims
    pool.claimed([lease(1)]);
    pool.run(0, MS);
    pool.batch();
    pool.scheduler.drain(pool.now);
    assert!(!pool.scheduler.is_settled(None));
}

#[test]
fn a_shutdown_does_not_wait_for_what_a_fault_keeps_from_being_settled() {
    let mut pool = Pool::with_times(1, MS);
    pool.claimed([lease(1)]);
    pool.run(0, MS);
    pool.scheduler.drain(pool.now);
    assert!(!pool.scheduler.is_settled(None));
    let too_new = Error::SchemaTooNew { path: "q".into(), found: 9, supported: 2 };
    pool.scheduler.fail(too_new, pool.now);
    assert!(pool.scheduler.is_settled(None));
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
fn a_leader_at_the_database_is_not_called() {
    let mut pool = Pool::new(settings(1));
    pool.room();
    pool.scheduler.keep_promise(0, vec![(lease(1), 0)], 0, pool.now);
    pool.run(0, MS);
    assert!(!pool.scheduler.calls_leader(pool.now), "it looks at everything when it is back");
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

/// A pool whose one worker runs a suspect.
fn with_suspect(gate: &Arc<SuspectGate>) -> (Pool, Lease) {
    let mut pool = Pool::new(Settings { gate: gate.clone(), ..settings(1) });
    assert_eq!(pool.room().unwrap().suspects, 1);
    pool.scheduler.claimed(vec![(suspect(1), 0)], None, true, pool.now);
    pool.scheduler.suspect_begun(suspect(1).key);
    let lease = pool.begin(0);
    assert!(gate.is_taken());
    (pool, lease)
}

#[test]
fn a_suspect_keeps_no_other_pool_waiting_once_it_ran_long_or_its_pool_ended() {
    let gate: Arc<SuspectGate> = Arc::default();
    let (mut long, _) = with_suspect(&gate);
    long.now += SUSPECT_ALONE;
    long.plan();
    assert!(!gate.is_taken());

    let gate: Arc<SuspectGate> = Arc::default();
    let (mut ended, _) = with_suspect(&gate);
    ended.scheduler.fail(Error::Poisoned { cause: "sync".to_owned() }, ended.now);
    assert!(!gate.is_taken());
}

#[test]
fn a_suspect_that_is_lost_before_it_begins_keeps_none_waiting() {
    let mut pool = Pool::new(settings(1));
    pool.room();
    pool.scheduler.claimed(vec![(suspect(1), 0)], None, true, pool.now);
    assert!(pool.scheduler.lost(suspect(1).key).is_some());
    assert!(!pool.scheduler.settings.gate.is_taken());
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

impl Step {
    /// The id of the task that it runs.
    fn ran(&self) -> Option<i64> {
        match self {
            Self::Run(held) => Some(held.lease.id().as_i64()),
            _ => None,
        }
    }
}

impl Pool {
    fn run_nothing(&mut self) {
        assert!(matches!(self.step(0), Step::Wait));
    }

    /// The next batch that settles something; a claim may go ahead of it.
    fn settling_batch(&mut self) -> Batch {
        let batch = self.batch();
        if !batch.finished.is_empty() {
            return batch;
        }
        self.claimed([]);
        self.batch()
    }
}
