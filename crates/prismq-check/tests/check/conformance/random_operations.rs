//! Random operations on the SQLite engine and on the model: every answer, every counter and every task are the same.

use std::collections::HashMap;
use std::time::Duration;

use prismq::{Order, State};
use prismq_check::conformance::{
    ClaimSpec, Claimed, EngineUnderTest, Failure, Model, Refusal, StoredTask, TaskSpec,
};
use prismq_check::{SeedRunner, Snapshot, soak, this_test};
use proptest::prelude::*;
use proptest::test_runner::{Config, RngSeed, TestRunner};
use proptest_state_machine::{ReferenceStateMachine, StateMachineTest};

use super::sqlite::Sqlite;

const START: i64 = 1_800_000_000_000_000;
const QUEUES: [&str; 2] = ["first", "second"];
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
const QUICK_CASES: u32 = 60;
const SOAK_CASES_PER_MINUTE: u32 = 600;

/// A lease: a task, counted from 1 in the order of enqueues, and its token.
type Key = (i64, i64);

/// A request by one of several handles on the file.
#[derive(Debug, Clone)]
pub(crate) struct Step {
    /// Which of the handles on the file makes it.
    handle: usize,
    request: Request,
}

#[derive(Debug, Clone)]
enum Request {
    Enqueue { queue: &'static str, priority: i32, delay: i64, max: u32, gpu: bool, large: bool },
    Claim { queue: &'static str, max: usize, lease: i64, gpu: bool },
    Complete(Key),
    Fail(Key, Option<i64>),
    Extend(Key, i64),
    Release(Key),
    SetOrder(&'static str, Order),
    SetPaused(&'static str, bool),
    SetHistory(&'static str, u32),
    SetClock(i64),
    Reopen,
}

/// What an operation answers.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Outcome {
    Done,
    Refused(Refusal),
    Enqueued(i64),
    Claimed(Vec<(Key, u32)>),
    Now(State),
    ExpiresAt(i64),
}

/// An engine whose tasks are counted from 1, as the model's are, and the leases that it gave.
#[derive(Debug, Clone)]
struct Driven<E> {
    engine: E,
    ids: Vec<i64>,
    leases: HashMap<Key, Claimed>,
    /// The names of the leases, in the order they were given.
    given: Vec<Key>,
}

impl<E: EngineUnderTest> Driven<E> {
    fn new(engine: E) -> Self {
        Self { engine, ids: Vec::new(), leases: HashMap::new(), given: Vec::new() }
    }

    fn number_of(&self, id: i64) -> i64 {
        self.ids.binary_search(&id).unwrap() as i64 + 1
    }

    /// Makes a request. A claim of a queue whose order is random takes all there is, and is compared sorted.
    fn perform(&mut self, request: &Request, claims_all: bool) -> Outcome {
        let lease = |key: &Key| self.leases[key].clone();
        let engine = &mut self.engine;
        match request {
            Request::Enqueue { queue, priority, delay, max, gpu, large } => {
                let task = TaskSpec {
                    queue: (*queue).to_owned(),
                    priority: *priority,
                    delay: micros(*delay),
                    max_attempts: *max,
                    requires: gpu.then(|| "gpu".to_owned()).into_iter().collect(),
                    payload: vec![7; if *large { 2000 } else { 10 }],
                    ..TaskSpec::default()
                };
                let id = engine.enqueue(&[task]).unwrap()[0];
                assert!(self.ids.last().is_none_or(|last| *last < id), "ids rise");
                self.ids.push(id);
                Outcome::Enqueued(self.number_of(id))
            }
            Request::Claim { queue, max, lease, gpu } => {
                let claim = ClaimSpec {
                    queue: (*queue).to_owned(),
                    capabilities: gpu.then(|| "gpu".to_owned()).into_iter().collect(),
                    max: if claims_all { 1000 } else { *max },
                    lease: micros(*lease),
                    ..ClaimSpec::default()
                };
                let mut claimed = engine.claim(&claim).unwrap();
                if claims_all {
                    claimed.sort_by_key(|task| task.task);
                }
                let mut given = Vec::new();
                for task in claimed {
                    let key = (self.number_of(task.task), task.token);
                    given.push((key, task.attempt));
                    self.leases.insert(key, task);
                    self.given.push(key);
                }
                Outcome::Claimed(given)
            }
            Request::Complete(key) => outcome(engine.complete(&lease(key)), |()| Outcome::Done),
            Request::Fail(key, retry) => {
                let retry_after = retry.map(micros);
                let failure = Failure { text: "failed".to_owned(), retry_after };
                outcome(engine.fail(&lease(key), &failure), Outcome::Now)
            }
            Request::Extend(key, by) => {
                outcome(engine.extend(&lease(key), micros(*by)), Outcome::ExpiresAt)
            }
            Request::Release(key) => outcome(engine.release(&lease(key)), |()| Outcome::Done),
            Request::SetOrder(queue, order) => {
                outcome(engine.set_order(queue, *order), |()| Outcome::Done)
            }
            Request::SetPaused(queue, paused) => {
                outcome(engine.set_paused(queue, *paused), |()| Outcome::Done)
            }
            Request::SetHistory(queue, keep) => {
                outcome(engine.set_history(queue, *keep), |()| Outcome::Done)
            }
            Request::SetClock(by) => {
                engine.set_clock(*by);
                Outcome::Done
            }
            Request::Reopen => {
                engine.reopen();
                Outcome::Done
            }
        }
    }
}

fn outcome<T>(answer: Result<T, Refusal>, done: impl FnOnce(T) -> Outcome) -> Outcome {
    match answer {
        Ok(answer) => done(answer),
        Err(Refusal::Other(text)) => panic!("{text}"),
        Err(refusal) => Outcome::Refused(refusal),
    }
}

fn micros(micros: i64) -> Duration {
    Duration::from_micros(micros as u64)
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
        let driven = Driven::new(Model::new(START));
        Just(Self { driven, outcome: Outcome::Done, claims_all: false }).boxed()
    }

    fn transitions(reference: &Self) -> BoxedStrategy<Step> {
        let queue = proptest::sample::select(&QUEUES[..]);
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
            (queue.clone(), proptest::sample::select(&ORDERS[..]))
                .prop_map(|(queue, order)| Request::SetOrder(queue, order)),
            (queue.clone(), any::<bool>())
                .prop_map(|(queue, paused)| Request::SetPaused(queue, paused)),
            (queue, 0..4_u32).prop_map(|(queue, keep)| Request::SetHistory(queue, keep)),
        ];
        let mut all = vec![
            (
                8,
                enqueue
                    .prop_map(|(queue, priority, delay, max, gpu, large)| Request::Enqueue {
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
            let retry = proptest::option::weighted(0.8, delays);
            all.extend([
                (5, key().prop_map(Request::Complete).boxed()),
                (4, (key(), retry).prop_map(|(key, retry)| Request::Fail(key, retry)).boxed()),
                (2, (key(), leases).prop_map(|(key, by)| Request::Extend(key, by)).boxed()),
                (2, key().prop_map(Request::Release).boxed()),
            ]);
        }
        (0..HANDLES, proptest::strategy::Union::new_weighted(all))
            .prop_map(|(handle, request)| Step { handle, request })
            .boxed()
    }

    fn apply(mut reference: Self, step: &Step) -> Self {
        let engine = &reference.driven.engine;
        reference.claims_all = match step.request {
            Request::Claim { queue, .. } => engine.order(queue) == Order::WeightedRandom,
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
            | Request::Release(key) => reference.driven.leases.contains_key(key),
            _ => true,
        }
    }
}

impl StateMachineTest for Driven<Sqlite> {
    type SystemUnderTest = Self;
    type Reference = Reference;

    fn init_test(_: &Reference) -> Self {
        Self::new(Sqlite::with_handles(START, HANDLES))
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
        let snapshot = Snapshot::take(real.engine.path()).unwrap();
        assert_eq!(snapshot.problems, Vec::<String>::new());
        assert_eq!(snapshot.tasks.len(), model.stored().len());
    }
}

/// What the engine says of an expired lease is its own.
fn without_error(task: StoredTask) -> StoredTask {
    StoredTask { error: None, ..task }
}

#[test]
fn a_queue_answers_as_the_model_does() {
    let seeds = SeedRunner::random(this_test!("a_queue_answers_as_the_model_does"));
    let minutes = soak().map(|soak| u32::try_from(soak.as_secs() / 60).unwrap());
    let config = Config {
        cases: minutes.map_or(QUICK_CASES, |minutes| minutes * SOAK_CASES_PER_MINUTE),
        rng_seed: RngSeed::Fixed(seeds.seed()),
        failure_persistence: None,
        max_shrink_iters: 2000,
        ..Config::default()
    };
    let outcome = TestRunner::new(config.clone()).run(
        &Reference::sequential_strategy(STEPS),
        |(reference, steps, seen)| {
            Driven::test_sequential(config.clone(), reference, steps, seen);
            Ok(())
        },
    );
    assert!(outcome.is_ok(), "{}", outcome.unwrap_err());
}
