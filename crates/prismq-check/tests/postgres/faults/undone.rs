//! What a crash of the server may undo: claims, extensions and releases are committed without waiting for the disk.

use std::collections::{HashMap, HashSet};

use prismq_check::{Event, History, Op, Phase};

/// A lease: task and token.
type Key = (Option<i64>, Option<i64>);

const fn key(event: &Event) -> Key {
    (event.task, event.token)
}

/// The history without what a crash at a time up to `until_ns` may have undone: claims whose leases nothing shows to
/// have lasted are taken as unanswered, and extensions and releases as ones whose outcome is unknown.
pub(crate) fn forget(history: &History, until_ns: u64) -> History {
    let forgotten = undone_claims(history, until_ns);
    let mut of_claim: HashMap<u32, Vec<Event>> = HashMap::new();
    let mut kept = Vec::new();
    for event in history.events() {
        if event.op == Op::Claim && event.phase == Phase::Ok {
            of_claim.entry(event.client_id).or_default().push(event.clone());
            continue;
        }
        let ends = of_claim.remove(&event.client_id).unwrap_or_default();
        kept.extend(answers(ends, &forgotten));
        if forgotten.contains(&key(event)) {
            continue;
        }
        let mut event = event.clone();
        if is_at_risk(&event, until_ns) && matches!(event.op, Op::Extend | Op::Release) {
            event.phase = Phase::Info;
        }
        kept.push(event);
    }
    kept.extend(of_claim.into_values().flat_map(|ends| answers(ends, &forgotten)));
    History::new(kept)
}

fn is_at_risk(event: &Event, until_ns: u64) -> bool {
    event.phase == Phase::Ok && event.t_mono_ns <= until_ns
}

/// The leases of claims that may have been undone: of those that were settled, or perhaps were, by a call that waits for
/// the disk and for what was committed before it, only those of which the task was given again as the same attempt.
fn undone_claims(history: &History, until_ns: u64) -> HashSet<Key> {
    let settles = |event: &&Event| matches!(event.op, Op::Complete | Op::Fail);
    let of_phase = |phase: Phase| -> HashSet<Key> {
        let events = history.events().iter().filter(settles);
        events.filter(|event| event.phase == phase).map(key).collect()
    };
    let (begun, settled) = (of_phase(Phase::Invoke), of_phase(Phase::Ok));
    let (refused, unknown) = (of_phase(Phase::Fail), of_phase(Phase::Info));
    let claims = || {
        let events = history.events().iter();
        events.filter(|event| event.op == Op::Claim && event.task.is_some())
    };
    let is_given_again = |given: &Event| {
        claims().any(|other| {
            other.task == given.task && other.token > given.token && other.attempt <= given.attempt
        })
    };
    let may_be_undone = |given: &&Event| {
        let of = key(given);
        let perhaps = unknown.contains(&of) || (begun.contains(&of) && !refused.contains(&of));
        !settled.contains(&of) && (!perhaps || is_given_again(given))
    };
    let at_risk = claims().filter(|event| is_at_risk(event, until_ns));
    at_risk.filter(may_be_undone).map(key).collect()
}

/// The answers of one claim without those that are forgotten: more would have followed.
fn answers(ends: Vec<Event>, forgotten: &HashSet<Key>) -> Vec<Event> {
    let before = ends.len();
    let mut ends: Vec<Event> =
        ends.into_iter().filter(|event| !forgotten.contains(&key(event))).collect();
    if ends.len() < before {
        ends.iter_mut().for_each(|event| event.count = Some(event.count.unwrap_or(0).max(1)));
    }
    ends
}
