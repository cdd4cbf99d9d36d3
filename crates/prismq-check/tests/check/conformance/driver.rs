//! Requests that are drawn at random, and an engine that is driven by them.

use std::collections::HashMap;
use std::time::Duration;

use prismq::{Enqueued, Order, State};
use prismq_check::conformance::{
    Change, ClaimSpec, Claimed, EngineUnderTest, Failure, Hold, LimitSpec, Refusal, TaskSpec,
    UniqueSpec,
};

/// The queue whose tasks have keys, ordered ones and ones under a limit of each key. A claim from it takes all there
/// is: in which order the keys take their turns is up to the engine.
pub(super) const KEYED: &str = "keyed";
/// The limit.
pub(super) const EACH: &str = "each";

/// A lease: a task, counted from 1 in the order of enqueues, and how often it was claimed.
pub(super) type Key = (i64, i64);

/// A request to an engine; durations are in microseconds.
#[derive(Debug, Clone)]
pub(super) enum Request {
    Enqueue {
        queue: &'static str,
        priority: i32,
        delay: i64,
        max: u32,
        gpu: bool,
        large: bool,
        /// Its key among a few, and how it is unique.
        unique: Option<(u8, Hold, Change)>,
        /// Beyond its delay.
        lives: Option<i64>,
    },
    Claim {
        queue: &'static str,
        max: usize,
        lease: i64,
        gpu: bool,
    },
    Complete(Key),
    Fail(Key, Option<i64>),
    Extend(Key, i64),
    Release(Key),
    Snooze(Key, i64),
    SetOrder(&'static str, Order),
    SetPaused(&'static str, bool),
    SetHistory(&'static str, u32),
    SetDepth(&'static str, Option<u32>),
    SetConcurrency(&'static str, Option<u32>),
    /// Of the limit that half of the tasks with keys are under.
    SetLimit(LimitSpec),
    SetClock(i64),
    Reopen,
}

/// What a request is answered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Outcome {
    Done,
    Refused(Refusal),
    Added(i64),
    NotAdded(i64, &'static str),
    Claimed(Vec<(Key, u32)>),
    Now(State),
    ExpiresAt(i64),
}

/// An engine whose tasks are counted from 1, as the model's are, and the leases that it gave.
#[derive(Debug, Clone)]
pub(super) struct Driven<E> {
    pub(super) engine: E,
    pub(super) ids: Vec<i64>,
    pub(super) leases: HashMap<Key, Claimed>,
    /// How often each task was claimed, and the last token, which rises.
    claims: HashMap<i64, (i64, i64)>,
    /// The names of the leases, in the order they were given.
    pub(super) given: Vec<Key>,
}

impl<E: EngineUnderTest> Driven<E> {
    pub(super) fn new(engine: E) -> Self {
        let (leases, claims) = (HashMap::new(), HashMap::new());
        Self { engine, ids: Vec::new(), leases, claims, given: Vec::new() }
    }

    fn number_of(&self, id: i64) -> i64 {
        self.ids.binary_search(&id).unwrap() as i64 + 1
    }

    /// Makes a request. A claim of a queue whose order is random takes all there is, and is compared sorted.
    pub(super) fn perform(&mut self, request: &Request, claims_all: bool) -> Outcome {
        let lease = |key: &Key| self.leases[key].clone();
        let engine = &mut self.engine;
        match request {
            Request::Enqueue { queue, priority, delay, max, gpu, large, unique, lives } => {
                let keyed = *queue == KEYED;
                let of = if *max == 1 { "a" } else { "b" };
                let task = TaskSpec {
                    queue: (*queue).to_owned(),
                    limit: (keyed && !gpu).then(|| EACH.to_owned()),
                    key: keyed.then(|| of.to_owned()),
                    ordered: keyed && *gpu,
                    priority: *priority,
                    delay: micros(*delay),
                    max_attempts: *max,
                    requires: (*gpu && !keyed).then(|| "gpu".to_owned()).into_iter().collect(),
                    payload: vec![7; if *large { 2000 } else { 10 }],
                    // A unique task that replaces another keeps its key.
                    unique: unique.filter(|_| !keyed).map(|(key, hold, change)| UniqueSpec {
                        // The payload is a key too.
                        key: (key > 0).then(|| key.to_string()),
                        hold,
                        change,
                    }),
                    expires_after: lives.map(|lives| micros(*delay + lives)),
                    ..TaskSpec::default()
                };
                let added = match engine.enqueue(&[task]) {
                    Ok(added) => added[0],
                    Err(refusal) => return outcome(Err(refusal), |()| Outcome::Done),
                };
                let id = added.id().as_i64();
                let kind = match added {
                    Enqueued::Inserted(_) => {
                        assert!(self.ids.last().is_none_or(|last| *last < id), "ids rise");
                        self.ids.push(id);
                        return Outcome::Added(self.number_of(id));
                    }
                    Enqueued::Duplicate(_) => "duplicate",
                    Enqueued::Conflict(_) => "conflict",
                    Enqueued::Updated(_) => "updated",
                    other => panic!("{other:?}"),
                };
                Outcome::NotAdded(self.number_of(id), kind)
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
                    let number = self.number_of(task.task);
                    let (claims, token) = self.claims.entry(number).or_default();
                    assert!(task.token > *token, "tokens rise");
                    (*claims, *token) = (*claims + 1, task.token);
                    let key = (number, *claims);
                    given.push((key, task.attempt));
                    self.leases.insert(key, task);
                    self.given.push(key);
                }
                Outcome::Claimed(given)
            }
            Request::Complete(key) => outcome(engine.complete(&lease(key)), |()| Outcome::Done),
            Request::Fail(key, retry) => {
                let retry_after = retry.map(micros);
                let failure = Failure { text: "failed".to_owned(), retry_after, by_policy: false };
                outcome(engine.fail(&lease(key), &failure), Outcome::Now)
            }
            Request::Extend(key, by) => {
                outcome(engine.extend(&lease(key), micros(*by)), Outcome::ExpiresAt)
            }
            Request::Release(key) => outcome(engine.release(&lease(key)), |()| Outcome::Done),
            Request::Snooze(key, delay) => {
                outcome(engine.snooze(&lease(key), micros(*delay)), Outcome::Now)
            }
            Request::SetOrder(queue, order) => {
                outcome(engine.set_order(queue, *order), |()| Outcome::Done)
            }
            Request::SetPaused(queue, paused) => {
                outcome(engine.set_paused(queue, *paused), |()| Outcome::Done)
            }
            Request::SetHistory(queue, keep) => {
                outcome(engine.set_history(queue, *keep), |()| Outcome::Done)
            }
            Request::SetDepth(queue, limit) => {
                outcome(engine.set_depth_limit(queue, *limit), |()| Outcome::Done)
            }
            Request::SetConcurrency(queue, tasks) => {
                outcome(engine.set_concurrency(queue, *tasks), |()| Outcome::Done)
            }
            Request::SetLimit(limit) => outcome(engine.set_limit(EACH, limit), |()| Outcome::Done),
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
