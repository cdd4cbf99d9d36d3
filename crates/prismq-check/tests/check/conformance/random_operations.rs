use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use prismq::{
    Claim, Clock, Durability, Error, Lease, ManualClock, NewTask, Order, Queue, State, TaskError,
    TaskId, Timestamp,
};
use prismq_check::{Replay, Snapshot, soak};
use proptest::prelude::*;
use proptest::test_runner::{Config, RngSeed, TestRunner};
use proptest_state_machine::{ReferenceStateMachine, StateMachineTest};
use tempfile::TempDir;

use crate::conformance::model::{
    AGEING, AGEING_STEP, Answer, FIRST_OUT, Key, LAST_OUT, Model, ORDERS, PRIORITY, QUEUES,
};
use crate::support::fast_folder;

const START: i64 = 1_800_000_000_000_000;
const HANDLES: usize = 2;
const SECOND: i64 = 1_000_000;
const HOUR: i64 = 3600 * SECOND;
const TEN_YEARS: i64 = 10 * 365 * 24 * HOUR;
const STEPS: std::ops::Range<usize> = 1..120;
const QUICK_CASES: u32 = 60;
const SOAK_CASES_PER_MINUTE: u32 = 600;

/// An operation, on one of several handles on the file.
#[derive(Debug, Clone)]
pub(crate) struct Step {
    handle: usize,
    what: What,
}

#[derive(Debug, Clone)]
pub(crate) enum What {
    Enqueue { queue: usize, priority: i32, delay: i64, max: u32, gpu: bool, large: bool },
    Claim { queue: usize, max: usize, lease: i64, gpu: bool },
    Complete(Key),
    Fail(Key, Option<i64>),
    Extend(Key, i64),
    Release(Key),
    SetOrder(usize, usize),
    SetPaused(usize, bool),
    SetHistory(usize, usize),
    SetClock(i64),
    Reopen,
}

impl ReferenceStateMachine for Model {
    type State = Self;
    type Transition = Step;

    fn init_state() -> BoxedStrategy<Self> {
        Just(Self::new(START)).boxed()
    }

    fn transitions(model: &Self) -> BoxedStrategy<Step> {
        let queue = 0..QUEUES.len();
        let delays = prop_oneof![3 => Just(0), 1 => Just(SECOND), 1 => Just(30 * SECOND)];
        let leases = prop_oneof![3 => Just(60 * SECOND), 1 => Just(SECOND)];
        let enqueue =
            (queue.clone(), -2..3_i32, delays.clone(), 1..4_u32, any::<bool>(), any::<bool>());
        let claim = (queue.clone(), 1..5_usize, leases.clone(), any::<bool>());
        let jumps = prop_oneof![
            8 => 0..5 * SECOND,
            4 => Just(60 * SECOND),
            1 => Just(HOUR),
            1 => Just(-HOUR),
            1 => Just(TEN_YEARS),
            1 => Just(-TEN_YEARS),
        ];
        let settings = prop_oneof![
            (queue.clone(), 0..ORDERS).prop_map(|(queue, order)| What::SetOrder(queue, order)),
            (queue.clone(), any::<bool>())
                .prop_map(|(queue, paused)| What::SetPaused(queue, paused)),
            (queue, 0..4_usize).prop_map(|(queue, keep)| What::SetHistory(queue, keep)),
        ];
        let mut all = vec![
            (
                8,
                enqueue
                    .prop_map(|(queue, priority, delay, max, gpu, large)| What::Enqueue {
                        queue,
                        priority,
                        delay,
                        max,
                        gpu,
                        large,
                    })
                    .boxed(),
            ),
            (
                8,
                claim
                    .prop_map(|(queue, max, lease, gpu)| What::Claim { queue, max, lease, gpu })
                    .boxed(),
            ),
            (3, jumps.prop_map(What::SetClock).boxed()),
            (2, settings.boxed()),
            (1, Just(What::Reopen).boxed()),
        ];
        if !model.leases.is_empty() {
            // The latest are more often alive.
            let recent: Vec<Key> = model.leases.iter().rev().take(12).copied().collect();
            let key = || proptest::sample::select(recent.clone());
            let retry = proptest::option::weighted(0.8, delays);
            all.extend([
                (5, key().prop_map(What::Complete).boxed()),
                (4, (key(), retry).prop_map(|(key, retry)| What::Fail(key, retry)).boxed()),
                (2, (key(), leases).prop_map(|(key, by)| What::Extend(key, by)).boxed()),
                (2, key().prop_map(What::Release).boxed()),
            ]);
        }
        (0..HANDLES, proptest::strategy::Union::new_weighted(all))
            .prop_map(|(handle, what)| Step { handle, what })
            .boxed()
    }

    fn apply(mut model: Self, step: &Step) -> Self {
        match step.what {
            What::Enqueue { queue, priority, delay, max, gpu, .. } => {
                model.enqueue(queue, i64::from(priority), delay, max, gpu);
            }
            What::Claim { queue, max, lease, gpu } => model.claim(queue, max, lease, gpu),
            What::Complete(key) => model.complete(key),
            What::Fail(key, retry) => model.fail(key, retry),
            What::Extend(key, by) => model.extend(key, by),
            What::Release(key) => model.release(key),
            What::SetOrder(queue, order) => model.set_order(queue, order),
            What::SetPaused(queue, paused) => model.set_paused(queue, paused),
            What::SetHistory(queue, keep) => model.set_history(queue, keep),
            What::SetClock(by) => model.set_clock(by),
            What::Reopen => model.answer = Answer::Done,
        }
        model
    }

    fn preconditions(model: &Self, step: &Step) -> bool {
        match &step.what {
            What::Complete(key)
            | What::Fail(key, _)
            | What::Extend(key, _)
            | What::Release(key) => model.leases.contains(key),
            _ => true,
        }
    }
}

/// The real queue, by several handles on one file.
struct Real {
    folder: TempDir,
    clock: Arc<ManualClock>,
    handles: Vec<Queue>,
    leases: HashMap<Key, Lease>,
    /// The ids it gave, in their order: the model numbers its tasks without gaps.
    ids: Vec<TaskId>,
}

impl Real {
    fn open(folder: &TempDir, clock: &Arc<ManualClock>) -> Queue {
        let builder = Queue::builder(folder.path().join("queue.db")).clock(clock.clone());
        builder.durability(Durability::Normal).open().unwrap()
    }

    fn number_of(&self, id: TaskId) -> i64 {
        self.ids.binary_search(&id).unwrap() as i64 + 1
    }

    fn id_of(&self, number: i64) -> TaskId {
        self.ids[number as usize - 1]
    }

    fn answer(&mut self, step: &Step, ordered: bool) -> Answer {
        let queue = &self.handles[step.handle];
        match step.what {
            What::Enqueue { queue: name, priority, delay, max, gpu, large } => {
                let task = NewTask::new("job", vec![7; if large { 2000 } else { 10 }])
                    .queue(QUEUES[name])
                    .priority(priority)
                    .delay(micros(delay))
                    .max_attempts(max)
                    .requires(gpu.then_some("gpu"));
                let id = queue.enqueue(&task).unwrap();
                assert!(self.ids.last().is_none_or(|last| *last < id), "ids rise");
                self.ids.push(id);
                Answer::Enqueued(self.number_of(id))
            }
            What::Claim { queue: name, max, lease, gpu } => {
                let claim = Claim::new(["job"])
                    .queue(QUEUES[name])
                    .max(if ordered { max } else { 1000 })
                    .lease(micros(lease))
                    .capabilities(gpu.then_some("gpu"));
                let mut leases = queue.claim(&claim).unwrap();
                if !ordered {
                    leases.sort_by_key(Lease::id);
                }
                let named = |lease: &Lease| (self.number_of(lease.id()), lease.token());
                let claimed = leases.iter().map(|lease| (named(lease), lease.attempt())).collect();
                let named: Vec<Key> = leases.iter().map(named).collect();
                self.leases.extend(named.into_iter().zip(leases));
                Answer::Claimed(claimed)
            }
            What::Complete(key) => settled(queue.complete(&self.leases[&key]), |()| Answer::Done),
            What::Fail(key, retry) => {
                let error = match retry {
                    Some(delay) => TaskError::new("again").retry_after(micros(delay)),
                    None => TaskError::permanent("never"),
                };
                settled(queue.fail(&self.leases[&key], error), Answer::Now)
            }
            What::Extend(key, by) => {
                settled(queue.extend(&self.leases[&key], micros(by)), |time| {
                    Answer::ExpiresAt(time.as_micros())
                })
            }
            What::Release(key) => settled(queue.release(&self.leases[&key]), |()| Answer::Done),
            What::SetOrder(name, order) => match queue.set_order(QUEUES[name], order_of(order)) {
                Err(Error::NotEmpty { .. }) => Answer::Refused,
                answer => settled(answer, |()| Answer::Done),
            },
            What::SetPaused(name, true) => settled(queue.pause(QUEUES[name]), |()| Answer::Done),
            What::SetPaused(name, false) => settled(queue.resume(QUEUES[name]), |()| Answer::Done),
            What::SetHistory(name, keep) => {
                settled(queue.set_history(QUEUES[name], keep as u32), |()| Answer::Done)
            }
            What::SetClock(by) => {
                let now = self.clock.now().as_micros();
                self.clock.set(Timestamp::from_micros(now + by));
                Answer::Done
            }
            What::Reopen => {
                self.handles.clear();
                let Self { folder, clock, .. } = self;
                self.handles = (0..HANDLES).map(|_| Self::open(folder, clock)).collect();
                Answer::Done
            }
        }
    }
}

fn settled<T>(answer: prismq::Result<T>, done: impl FnOnce(T) -> Answer) -> Answer {
    match answer {
        Ok(answer) => done(answer),
        Err(error) if error.is_lease_lost() => Answer::Refused,
        Err(error) => panic!("{error}"),
    }
}

fn order_of(number: usize) -> Order {
    match number {
        PRIORITY => Order::Priority,
        FIRST_OUT => Order::FirstInFirstOut,
        LAST_OUT => Order::LastInFirstOut,
        AGEING => Order::Ageing { step: micros(AGEING_STEP) },
        _ => Order::WeightedRandom,
    }
}

fn micros(micros: i64) -> Duration {
    Duration::from_micros(micros as u64)
}

impl StateMachineTest for Real {
    type SystemUnderTest = Self;
    type Reference = Model;

    fn init_test(model: &Model) -> Self {
        let folder = fast_folder();
        let clock = Arc::new(ManualClock::new(Timestamp::from_micros(model.now)));
        let handles = (0..HANDLES).map(|_| Self::open(&folder, &clock)).collect();
        Self { folder, clock, handles, leases: HashMap::new(), ids: Vec::new() }
    }

    fn apply(mut real: Self, model: &Model, step: Step) -> Self {
        let ordered = match step.what {
            What::Claim { queue, .. } => model.queues[queue].order < ORDERS - 1,
            _ => true,
        };
        assert_eq!(real.answer(&step, ordered), model.answer, "{step:?}");
        real
    }

    fn check_invariants(real: &Self, model: &Model) {
        let reader = &real.handles[HANDLES - 1];
        for (number, name) in QUEUES.iter().enumerate() {
            let stats = reader.stats(name).unwrap();
            let lane = &model.queues[number];
            let counters = &lane.counters;
            let there = [
                (stats.ready, model.count(number, State::Ready)),
                (stats.scheduled, model.count(number, State::Scheduled)),
                (stats.leased, model.count(number, State::Leased)),
                (stats.dead, model.count(number, State::Dead)),
                (stats.kept, lane.kept.len() as u64),
                (stats.enqueued, counters.enqueued),
                (stats.completed, counters.completed),
                (stats.failed, counters.failed),
                (stats.reclaimed, counters.reclaimed),
            ];
            assert!(there.iter().all(|(real, model)| real == model), "{stats:?} {lane:?}");
            assert_eq!(stats.paused, lane.paused);
        }
    }

    fn teardown(real: Self, model: Model) {
        let queue = &real.handles[0];
        for (id, expected) in &model.tasks {
            let task = queue.task(real.id_of(*id)).unwrap().unwrap();
            assert_eq!((task.state, task.attempt), (expected.state, expected.attempt), "{task:?}");
            assert_eq!(task.run_at.as_micros(), model.shown(expected.run_at), "{task:?}");
        }
        for (_, id) in model.queues.iter().flat_map(|lane| &lane.kept) {
            let task = queue.task(real.id_of(*id)).unwrap().unwrap();
            assert_eq!(task.state, State::Completed);
        }
        let snapshot = Snapshot::take(real.folder.path().join("queue.db")).unwrap();
        assert_eq!(snapshot.problems, Vec::<String>::new());
        let kept: usize = model.queues.iter().map(|lane| lane.kept.len()).sum();
        assert_eq!(snapshot.tasks.len(), model.tasks.len() + kept);
    }
}

#[test]
fn a_queue_does_what_the_model_does() {
    let replay = Replay::of(
        "prismq-check",
        "check",
        "conformance::random_operations::a_queue_does_what_the_model_does",
    );
    let minutes = soak().map(|soak| u32::try_from(soak.as_secs() / 60).unwrap());
    let config = Config {
        cases: minutes.map_or(QUICK_CASES, |minutes| minutes * SOAK_CASES_PER_MINUTE),
        rng_seed: RngSeed::Fixed(replay.seed()),
        failure_persistence: None,
        max_shrink_iters: 2000,
        ..Config::default()
    };
    let outcome = TestRunner::new(config.clone()).run(
        &Model::sequential_strategy(STEPS),
        |(model, steps, seen)| {
            Real::test_sequential(config.clone(), model, steps, seen);
            Ok(())
        },
    );
    assert!(outcome.is_ok(), "{}", outcome.unwrap_err());
}
