//! Of the tasks with a unique key at most one holds it, by the rule it was enqueued with, unless it is redriven; and who is
//! refused for it is answered with a task that may have held it.

use std::collections::{BTreeMap, HashMap};

use crate::checker::Finding;
use crate::checker::facts::{Call, Facts, TaskTrace};
use crate::conformance::Hold;
use crate::history::{Op, Refusal};

/// A task that was added with a unique key.
struct Holder<'f, 'a> {
    key: u64,
    id: i64,
    enqueue: &'f Call<'a>,
    trace: &'f TaskTrace<'a>,
    hold: Hold,
}

/// A type and a unique key in it.
type UniqueKey = (String, String);

pub(in crate::checker) fn check(facts: &Facts<'_>) -> Vec<Finding> {
    let mut found = Vec::new();
    let mut holders: BTreeMap<UniqueKey, Vec<Holder<'_, '_>>> = BTreeMap::new();
    let mut unknown: HashMap<UniqueKey, usize> = HashMap::new();
    for (key, trace) in &facts.traces {
        let Some(enqueue) = &trace.enqueue else { continue };
        let Some((of, hold)) = key_of(enqueue) else { continue };
        let known = enqueue.is_ok().then(|| enqueue.end()?.task).flatten();
        let given = || trace.claims.iter().find_map(|given| given.event.task);
        match known.or_else(given).or_else(|| Some(trace.stored?.task)) {
            Some(id) => {
                holders.entry(of).or_default().push(Holder { key: *key, id, enqueue, trace, hold });
            }
            None if enqueue.may_have_happened() => *unknown.entry(of).or_default() += 1,
            None => {}
        }
    }
    for of_key in holders.values_mut() {
        // Ids rise with every task that is added.
        of_key.sort_by_key(|holder| holder.id);
        found.extend(of_key.windows(2).filter_map(|pair| two_hold(facts, pair)));
    }
    for (key, trace) in &facts.traces {
        let Some(refused) = &trace.enqueue else { continue };
        let Some((of, _)) = key_of(refused) else { continue };
        let Some(end) = refused.end().filter(|end| end.refusal == Some(Refusal::KeyTaken)) else {
            continue;
        };
        let named = end.task.unwrap_or(0);
        let of_key = holders.get(&of).map_or(&[][..], Vec::as_slice);
        let wrong = match of_key.iter().find(|holder| holder.id == named) {
            Some(holder) => has_let_go(facts, holder, refused).then_some(holder.key),
            // It may be one of those whose answer was lost.
            None if unknown.contains_key(&of) => None,
            None => Some(*key),
        };
        if let Some(other) = wrong {
            let what = format!(
                "task {key} was refused for its unique key, which task {other} of the answer did not hold"
            );
            found.push(Finding::about([*key, other], what));
        }
    }
    found
}

fn key_of(enqueue: &Call<'_>) -> Option<(UniqueKey, Hold)> {
    let (key, hold) = enqueue.begun.unique.clone()?;
    Some(((enqueue.begun.task_type.clone()?, key), hold))
}

/// Whether the second of two tasks was added while the first held the key, for sure.
fn two_hold(facts: &Facts<'_>, pair: &[Holder<'_, '_>]) -> Option<Finding> {
    let [first, second] = pair else { return None };
    let added = second.enqueue.end().filter(|_| second.enqueue.is_ok())?;
    let free = match first.hold {
        Hold::Period(period) => {
            let period = i64::try_from(period.as_micros()).unwrap_or(i64::MAX);
            added.t_db >= first.enqueue.begun.t_db.saturating_add(period)
        }
        Hold::UntilDone => facts.may_have_ended(first.trace, added),
        Hold::WhileWaiting => {
            let before = added.t_mono_ns;
            let given = first.trace.claims.iter().any(|given| given.begun_ns < before);
            given
                || facts.unknown_claims_before(first.trace, before) > 0
                || facts.may_have_ended(first.trace, added)
        }
    };
    (!free).then(|| {
        let what =
            format!("task {} was added while task {} held its unique key", second.key, first.key);
        Finding::about([first.key, second.key], what)
    })
}

/// Whether a task had let its key go before this call, for sure.
fn has_let_go(facts: &Facts<'_>, holder: &Holder<'_, '_>, call: &Call<'_>) -> bool {
    let before = call.begun.t_mono_ns;
    if let Hold::Period(period) = holder.hold {
        let period = i64::try_from(period.as_micros()).unwrap_or(i64::MAX);
        let added = holder.enqueue.end().filter(|_| holder.enqueue.is_ok());
        return added.is_some_and(|end| call.begun.t_db >= end.t_db.saturating_add(period));
    }
    // A task that is redriven, or released before it began, holds its key again.
    let redriven = facts.may_be_redriven(holder.trace, (0, u64::MAX));
    let released =
        || holder.trace.uses().any(|call| call.begun.op == Op::Release && call.may_have_happened());
    let given = || {
        holder.trace.claims.iter().any(|given| !given.is_run() && given.event.t_mono_ns < before)
    };
    let started = holder.hold == Hold::WhileWaiting && !redriven && given() && !released();
    started || facts.has_ended(holder.trace, call)
}
