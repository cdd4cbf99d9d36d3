//! Every task that is claimed or stored was enqueued: each payload is whole, each enqueue came first and was not
//! refused, and one task has one id.

use std::collections::HashMap;

use crate::checker::Finding;
use crate::checker::facts::{Facts, TaskTrace};
use crate::history::{Op, Phase};

pub(in crate::checker) fn check(facts: &Facts<'_>) -> Vec<Finding> {
    let mut found = Vec::new();
    let mut key_of: HashMap<i64, u64> = HashMap::new();
    for (key, trace) in &facts.traces {
        if let Some(what) = phantom(*key, trace) {
            found.push(Finding::about([*key], what));
        }
        let mut ids = ids(trace);
        ids.sort_unstable();
        ids.dedup();
        if let [first, second, ..] = ids.as_slice() {
            let what = format!("task {key} was enqueued once and has the ids {first} and {second}");
            found.push(Finding::about([*key], what));
        }
        for id in ids {
            if let Some(other) = key_of.insert(id, *key) {
                let what = format!("the id {id} was given to both task {other} and task {key}");
                found.push(Finding::about([other, *key], what));
            }
        }
    }
    let broken =
        facts.history.events().iter().filter(|event| {
            event.op == Op::Claim && event.phase == Phase::Ok && event.key.is_none()
        });
    for id in broken.filter_map(|event| event.task) {
        let what =
            format!("the task with the id {id} was given with a payload that was never enqueued");
        found.push(Finding::about([], what));
    }
    let stored = facts.last.into_iter().flat_map(|snapshot| &snapshot.tasks);
    for id in stored.filter(|task| task.key.is_none()).map(|task| task.task) {
        let what =
            format!("the task with the id {id} is stored with a payload that was never enqueued");
        found.push(Finding::about([], what));
    }
    found
}

fn phantom(key: u64, trace: &TaskTrace<'_>) -> Option<String> {
    let there = trace.stored.is_some() || !trace.claims.is_empty();
    match &trace.enqueue {
        // Of a schedule.
        None if trace.slot().is_some() => None,
        None if there => Some(format!("task {key} was given or is stored, and was never enqueued")),
        Some(call) if there && !call.may_have_happened() => {
            Some(format!("task {key} was refused when it was enqueued, and is stored"))
        }
        Some(call) => {
            let early = |event: &u64| *event < call.begun.t_mono_ns;
            let given = trace.claims.iter().map(|given| given.event.t_mono_ns).find(early);
            given.map(|_| format!("task {key} was given before it was enqueued"))
        }
        None => None,
    }
}

fn ids(trace: &TaskTrace<'_>) -> Vec<i64> {
    // One that is refused names another task.
    let enqueued = trace.enqueue.as_ref().filter(|call| call.is_ok());
    let enqueued = enqueued.and_then(|call| call.end()?.task);
    let given = trace.claims.iter().filter_map(|given| given.event.task);
    let stored = trace.stored.map(|stored| stored.task);
    enqueued.into_iter().chain(given).chain(stored).collect()
}
