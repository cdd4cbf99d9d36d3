//! First in, first out within a priority, lower priorities first.
//!
//! Only what could not have been otherwise is held against a queue: if A's enqueue was answered before
//! B's began, B may not be given by a claim that was answered before A's began; nor may B if A has a lower
//! priority number and was there before B's claim began. Only first claims of tasks without delay count, and
//! of queues that no pool serves: a pool holds tasks and returns some of them, which is not recorded.

use std::collections::BTreeMap;

use crate::checker::Finding;
use crate::checker::facts::{Call, Facts, TaskTrace};

/// A task and when it came and went.
#[derive(Debug, Clone, Copy)]
pub(in crate::checker) struct Passage {
    key: u64,
    pub(in crate::checker) priority: i32,
    /// Its enqueue began and was answered.
    pub(in crate::checker) enqueue: (u64, u64),
    /// Its first claim began and was answered: never, for one that is still there.
    pub(in crate::checker) claim: (u64, u64),
}

/// Tasks of one queue and type: what can take one of them can take any.
pub(in crate::checker) type Lane = (String, String);

pub(in crate::checker) fn check(facts: &Facts<'_>) -> Vec<Finding> {
    let mut found = Vec::new();
    for passages in passages(facts).into_values() {
        found.extend(overtaken_by_later(&passages));
        found.extend(overtaken_by_higher(&passages));
    }
    found
}

/// The passages of each lane's tasks.
pub(in crate::checker) fn passages(facts: &Facts<'_>) -> BTreeMap<Lane, Vec<Passage>> {
    let mut lanes: BTreeMap<Lane, Vec<Passage>> = BTreeMap::new();
    for (key, trace) in &facts.traces {
        if let Some((lane, passage)) = passage(facts, *key, trace) {
            lanes.entry(lane).or_default().push(passage);
        }
    }
    lanes
}

fn passage(facts: &Facts<'_>, key: u64, trace: &TaskTrace<'_>) -> Option<(Lane, Passage)> {
    let enqueue = trace.enqueue.as_ref().filter(|call| call.is_ok())?;
    let begun = enqueue.begun;
    let serves = |pool: &Call<'_>| {
        let names = pool.begun.queue.as_deref().unwrap_or_default();
        names.split(',').any(|name| Some(name) == begun.queue.as_deref())
    };
    if begun.run_at.is_some() || facts.pools.iter().any(serves) {
        return None;
    }
    // One that may be cancelled, deleted or late need not be given at all.
    let may_go =
        !trace.cancels.is_empty() || begun.lives.is_some() || facts.may_be_deleted(trace, u64::MAX);
    if may_go {
        return None;
    }
    let claim = match trace.claims.first() {
        Some(given) if given.attempt() == 1 => (given.begun_ns, given.event.t_mono_ns),
        // An unrecorded claim may have taken it.
        Some(_) => return None,
        None if facts.unknown_claims_before(trace, u64::MAX) > 0 => return None,
        None => (u64::MAX, u64::MAX),
    };
    let lane = (begun.queue.clone()?, begun.task_type.clone()?);
    let enqueue = (begun.t_mono_ns, enqueue.ended_ns());
    Some((lane, Passage { key, priority: begun.priority?, enqueue, claim }))
}

/// Of those that had come by a time, the one that went last.
#[derive(Debug, Default)]
struct Waiting {
    last_to_go: Option<Passage>,
}

impl Waiting {
    fn add(&mut self, passage: Passage) {
        if self.last_to_go.is_none_or(|last| last.claim.0 < passage.claim.0) {
            self.last_to_go = Some(passage);
        }
    }

    /// Who was still waiting when this one had been given.
    fn overtaken_by(&self, passage: &Passage) -> Option<Passage> {
        self.last_to_go.filter(|last| last.claim.0 > passage.claim.1)
    }
}

fn overtaken_by_later(passages: &[Passage]) -> Vec<Finding> {
    let mut by_answer: Vec<Passage> = passages.to_vec();
    by_answer.sort_by_key(|passage| passage.enqueue.1);
    let mut by_begin: Vec<Passage> = passages.to_vec();
    by_begin.sort_by_key(|passage| passage.enqueue.0);
    let mut waiting: BTreeMap<i32, Waiting> = BTreeMap::new();
    let mut come = by_answer.into_iter().peekable();
    let mut found = Vec::new();
    for later in by_begin {
        while let Some(earlier) = come.next_if(|earlier| earlier.enqueue.1 < later.enqueue.0) {
            waiting.entry(earlier.priority).or_default().add(earlier);
        }
        let overtaken = waiting.get(&later.priority).and_then(|all| all.overtaken_by(&later));
        found.extend(overtaken.map(|first| finding(&first, &later, "was enqueued before it")));
    }
    found
}

fn overtaken_by_higher(passages: &[Passage]) -> Vec<Finding> {
    let mut by_answer: Vec<Passage> = passages.to_vec();
    by_answer.sort_by_key(|passage| passage.enqueue.1);
    let mut by_claim: Vec<Passage> = passages.to_vec();
    by_claim.sort_by_key(|passage| passage.claim.0);
    let mut waiting: BTreeMap<i32, Waiting> = BTreeMap::new();
    let mut come = by_answer.into_iter().peekable();
    let mut found = Vec::new();
    for given in by_claim.into_iter().filter(|passage| passage.claim.0 != u64::MAX) {
        while let Some(earlier) = come.next_if(|earlier| earlier.enqueue.1 < given.claim.0) {
            waiting.entry(earlier.priority).or_default().add(earlier);
        }
        let mut lower = waiting.range(..given.priority);
        let overtaken = lower.find_map(|(_, all)| all.overtaken_by(&given));
        found.extend(overtaken.map(|first| finding(&first, &given, "has a lower priority number")));
    }
    found
}

fn finding(first: &Passage, second: &Passage, why: &str) -> Finding {
    let what =
        format!("task {} was given while task {}, which {why}, waited", second.key, first.key);
    Finding::about([first.key, second.key], what)
}
