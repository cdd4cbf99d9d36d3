//! Random operations on an engine and on the model: every answer, every counter and every task are the same.

use std::time::Duration;

use prismq::Order;
use prismq_check::conformance::{
    BoundsSpec, Change, EngineUnderTest, Hold, LimitSpec, Model, RateSpec, StoredTask,
};
use prismq_check::{SeedRunner, Snapshot, TestName, soak};
use proptest::prelude::*;
use proptest::test_runner::{Config, RngSeed, TestRunner};
use proptest_state_machine::{ReferenceStateMachine, StateMachineTest};

use super::driver::{Driven, EACH, KEYED, Key, Outcome, Request};
use super::queue::{Place, UnderTest};

const START: i64 = 1_800_000_000_000_000;
/// Two whose orders are set, one that bounds how many tasks run at once, one of tasks with keys.
const QUEUES: [&str; 4] = ["first", "second", BOUNDED, KEYED];
const BOUNDED: &str = "bounded";
const ORDERS: [Order; 5] = [
    Order::Priority,
    Order::FirstInFirstOut,
    Order::LastInFirstOut,
    Order::Ageing { step: Duration::from_secs(1) },
    Order::WeightedRandom,
];
const HANDLES: usize = 2;
const SECOND: i64 = 1_000_000;
const HOUR: i64 = 3600 * SECOND;
const TEN_YEARS: i64 = 10 * 365 * 24 * HOUR;
const STEPS: std::ops::Range<usize> = 1..120;
/// How long a case that fails is made smaller.
const SHRINK_MS: u32 = 60_000;

/// A place for the queue of each case.
pub(crate) trait Fresh: Place + 'static {
    fn new() -> Self;

    /// What is stored there once the queue is not used any more.
    fn snapshot(&self) -> Snapshot;
}

/// A request by one of several handles on the queue.
#[derive(Debug, Clone)]
pub(crate) struct Step {
    /// Which of the handles makes it.
    handle: usize,
    request: Request,
}

/// The model, what its last request was answered, and whether that claimed from a queue whose order is random.
#[derive(Debug, Clone)]
pub(crate) struct Reference {
    driven: Driven<Model>,
    outcome: Outcome,
    claims_all: bool,
}

impl ReferenceStateMachine for Reference {
    type State = Self;
    type Transition = Step;

    fn init_state() -> BoxedStrategy<Self> {
        let mut driven = Driven::new(Model::new(START));
        driven.engine.set_limit(EACH, &LimitSpec::default()).unwrap();
        Just(Self { driven, outcome: Outcome::Done, claims_all: false }).boxed()
    }

    fn transitions(reference: &Self) -> BoxedStrategy<Step> {
        let queue = proptest::sample::select(&QUEUES[..]);
        let delays = prop_oneof![3 => Just(0), 1 => Just(SECOND), 1 => Just(30 * SECOND)];
        let leases = prop_oneof![3 => Just(60 * SECOND), 1 => Just(SECOND)];
        let holds = prop_oneof![
            Just(Hold::WhileWaiting),
            Just(Hold::UntilDone),
            Just(Hold::Period(Duration::from_secs(30))),
        ];
        let changes = proptest::sample::select(&[Change::Keep, Change::Replace, Change::PushBack]);
        let unique = proptest::option::weighted(0.4, (0..4_u8, holds, changes));
        let lives = proptest::option::weighted(0.3, prop_oneof![Just(SECOND), Just(60 * SECOND)]);
        let enqueue = (
            (queue.clone(), -2..3_i32, delays.clone(), 1..4_u32),
            (any::<bool>(), any::<bool>(), unique, lives),
        );
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
            (proptest::sample::select(&QUEUES[..2]), proptest::sample::select(&ORDERS[..]))
                .prop_map(|(queue, order)| Request::SetOrder(queue, order)),
            (queue.clone(), any::<bool>())
                .prop_map(|(queue, paused)| Request::SetPaused(queue, paused)),
            (queue.clone(), 0..4_u32).prop_map(|(queue, keep)| Request::SetHistory(queue, keep)),
            (queue, proptest::option::of(1..8_u32))
                .prop_map(|(queue, limit)| Request::SetDepth(queue, limit)),
            proptest::option::of(1..4_u32)
                .prop_map(|tasks| Request::SetConcurrency(BOUNDED, tasks)),
            (proptest::option::of(1..4_u32), proptest::option::of(1..4_u32)).prop_map(
                |(concurrency, tasks)| {
                    let period = Duration::from_secs(3);
                    let rate = tasks.map(|tasks| RateSpec { tasks, period, burst: tasks });
                    let per_key = BoundsSpec { concurrency, rate };
                    Request::SetLimit(LimitSpec { per_key, ..LimitSpec::default() })
                }
            ),
        ];
        let mut all = vec![
            (
                8,
                enqueue
                    .prop_map(|((queue, priority, delay, max), (gpu, large, unique, lives))| {
                        Request::Enqueue { queue, priority, delay, max, gpu, large, unique, lives }
                    })
                    .boxed(),
            ),
            (
                8,
                claim
                    .prop_map(|(queue, max, lease, gpu)| Request::Claim { queue, max, lease, gpu })
                    .boxed(),
            ),
            (3, jumps.prop_map(Request::SetClock).boxed()),
            (2, settings.boxed()),
            (1, Just(Request::Reopen).boxed()),
        ];
        if !reference.driven.given.is_empty() {
            // The latest are more often alive.
            let recent: Vec<Key> = reference.driven.given.iter().rev().take(12).copied().collect();
            let key = || proptest::sample::select(recent.clone());
            let retry = proptest::option::weighted(0.8, delays.clone());
            all.extend([
                (5, key().prop_map(Request::Complete).boxed()),
                (4, (key(), retry).prop_map(|(key, retry)| Request::Fail(key, retry)).boxed()),
                (2, (key(), leases).prop_map(|(key, by)| Request::Extend(key, by)).boxed()),
                (2, key().prop_map(Request::Release).boxed()),
                (1, (key(), delays).prop_map(|(key, by)| Request::Snooze(key, by)).boxed()),
            ]);
        }
        (0..HANDLES, proptest::strategy::Union::new_weighted(all))
            .prop_map(|(handle, request)| Step { handle, request })
            .boxed()
    }

    fn apply(mut reference: Self, step: &Step) -> Self {
        let engine = &reference.driven.engine;
        reference.claims_all = match step.request {
            Request::Claim { queue, .. } => {
                queue == KEYED || engine.order(queue) == Order::WeightedRandom
            }
            _ => false,
        };
        reference.outcome = reference.driven.perform(&step.request, reference.claims_all);
        reference
    }

    fn preconditions(reference: &Self, step: &Step) -> bool {
        match &step.request {
            Request::Complete(key)
            | Request::Fail(key, _)
            | Request::Extend(key, _)
            | Request::Snooze(key, _)
            | Request::Release(key) => reference.driven.leases.contains_key(key),
            _ => true,
        }
    }
}

impl<P: Fresh> StateMachineTest for Driven<UnderTest<P>> {
    type SystemUnderTest = Self;
    type Reference = Reference;

    fn init_test(_: &Reference) -> Self {
        let mut real = Self::new(UnderTest::at(P::new(), START, HANDLES));
        real.engine.set_limit(EACH, &LimitSpec::default()).unwrap();
        real
    }

    fn apply(mut real: Self, reference: &Reference, step: Step) -> Self {
        real.engine.use_handle(step.handle);
        let outcome = real.perform(&step.request, reference.claims_all);
        assert_eq!(outcome, reference.outcome, "{step:?}");
        real
    }

    fn check_invariants(real: &Self, reference: &Reference) {
        for queue in QUEUES {
            let expected = reference.driven.engine.clone().stats(queue);
            assert_eq!(real.engine.stats_by_last_handle(queue), expected, "{queue}");
        }
    }

    fn teardown(mut real: Self, mut reference: Reference) {
        let model = &mut reference.driven.engine;
        for number in model.stored() {
            let stored = real.engine.task(real.ids[number as usize - 1]).unwrap().unwrap();
            let expected = model.task(number).unwrap().unwrap();
            assert_eq!(without_error(stored), without_error(expected));
        }
        let snapshot = real.engine.place().snapshot();
        assert_eq!(snapshot.problems, Vec::<String>::new());
        assert_eq!(snapshot.tasks.len(), model.stored().len());
    }
}

/// What the engine says of an expired lease is its own.
fn without_error(task: StoredTask) -> StoredTask {
    StoredTask { error: None, ..task }
}

/// Compares an engine with the model in so many cases, and in so many for each minute of a soak.
pub(crate) fn compare<P: Fresh>(name: TestName, (cases, of_minute): (u32, u32)) {
    let seeds = SeedRunner::random(name);
    let minutes = soak().map(|soak| u32::try_from(soak.as_secs() / 60).unwrap());
    let config = Config {
        cases: minutes.map_or(cases, |minutes| minutes * of_minute),
        rng_seed: RngSeed::Fixed(seeds.seed()),
        failure_persistence: None,
        max_shrink_iters: 2000,
        max_shrink_time: SHRINK_MS,
        ..Config::default()
    };
    let outcome = TestRunner::new(config.clone()).run(
        &Reference::sequential_strategy(STEPS),
        |(reference, steps, seen)| {
            Driven::<UnderTest<P>>::test_sequential(config.clone(), reference, steps, seen);
            Ok(())
        },
    );
    assert!(outcome.is_ok(), "{}", outcome.unwrap_err());
}
