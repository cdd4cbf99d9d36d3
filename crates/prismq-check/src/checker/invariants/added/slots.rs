//! A schedule that catches up with missed slots has one task for each slot: none is left out, and that none has two is
//! checked with phantoms, as both would have the same key.

use std::collections::{BTreeMap, BTreeSet};

use crate::checker::Finding;
use crate::checker::facts::{Call, Facts};
use crate::history::{Op, Phase};

/// The slots of a type whose tasks were given, with their keys.
type Slots = BTreeMap<i64, u64>;

pub(in crate::checker) fn check(facts: &Facts<'_>) -> Vec<Finding> {
    let mut found = Vec::new();
    let mut slots: BTreeMap<&str, Slots> = BTreeMap::new();
    for (key, trace) in &facts.traces {
        let given = trace.claims.iter().find_map(|given| Some((given.given_by, given.event.slot?)));
        let Some((at, slot)) = given else { continue };
        if at < slot {
            let what = format!("task {key} was given {} us before its slot", slot - at);
            found.push(Finding::about([*key], what));
        }
        slots.entry(trace.task_type().unwrap_or_default()).or_default().insert(slot, *key);
    }
    if !facts.rules.drained || facts.last.is_none() {
        return found;
    }
    let stored: BTreeSet<i64> =
        facts.traces.values().filter_map(|trace| trace.stored?.slot).collect();
    for set in first_settings(facts) {
        let task_type = set.begun.task_type.as_deref().unwrap_or_default();
        let interval = set.begun.micros.unwrap_or(0);
        let given = slots.remove(task_type).unwrap_or_default();
        found.extend(left_out(facts, set, (task_type, interval), &given, &stored));
    }
    found
}

/// The first call for each schedule that was acknowledged.
fn first_settings<'f, 'a>(facts: &'f Facts<'a>) -> impl Iterator<Item = &'f Call<'a>> {
    let mut seen = BTreeSet::new();
    let set = facts.calls.iter().filter(|call| call.begun.op == Op::SetSchedule && call.is_ok());
    set.filter(move |call| seen.insert(call.begun.task_type.clone()))
}

/// The first slot without a task, before one that has one or before the last claim.
fn left_out(
    facts: &Facts<'_>,
    set: &Call<'_>,
    (task_type, interval): (&str, i64),
    given: &Slots,
    stored: &BTreeSet<i64>,
) -> Option<Finding> {
    let missing =
        |from: i64, to: i64| to > from + interval && stored.range(from + 1..to).next().is_none();
    let (mut last, mut of_last) = (set.end()?.t_db, None);
    for (slot, key) in given {
        if missing(last, *slot) {
            let what = format!("{task_type} has no task for the slots between {last} and {slot}");
            return Some(Finding::about(of_last.into_iter().chain([*key]), what));
        }
        (last, of_last) = (*slot, Some(*key));
    }
    // The last claim may have been made just before a slot was over.
    let claimed = facts.history.events().iter().rev();
    let claimed = claimed.filter(|event| event.op == Op::Claim && event.phase == Phase::Ok);
    let until = claimed.map(|event| event.t_db).max()?;
    (until > last + 2 * interval && stored.range(last + 1..).next().is_none()).then(|| {
        let what = format!("{task_type} has no task for the slots after {last}");
        Finding::about(of_last, what)
    })
}
