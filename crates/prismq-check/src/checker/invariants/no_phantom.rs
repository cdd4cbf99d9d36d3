//! Nothing is given, or there, that nobody enqueued: every payload is whole, every task was asked for
//! before, none that was refused is there, and one task has one id.

use std::collections::HashMap;

use crate::checker::Finding;
use crate::checker::facts::{Facts, Life};
use crate::history::{Op, Phase};

pub(in crate::checker) fn check(facts: &Facts<'_>) -> Vec<Finding> {
    let mut found = Vec::new();
    let mut key_of: HashMap<i64, u64> = HashMap::new();
    for (key, life) in &facts.lives {
        if let Some(what) = phantom(*key, life) {
            found.push(Finding::about([*key], what));
        }
        let mut ids = ids(life);
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
        let what = format!("the task with the id {id} was given with a payload nobody enqueued");
        found.push(Finding::about([], what));
    }
    let standing = facts.last.into_iter().flat_map(|snapshot| &snapshot.tasks);
    for id in standing.filter(|task| task.key.is_none()).map(|task| task.task) {
        let what = format!("the task with the id {id} stands there with a payload nobody enqueued");
        found.push(Finding::about([], what));
    }
    found
}

fn phantom(key: u64, life: &Life<'_>) -> Option<String> {
    let there = life.standing.is_some() || !life.claims.is_empty();
    match &life.enqueue {
        None if there => Some(format!("task {key} was given or is there, and nobody enqueued it")),
        Some(call) if there && !call.may_have_happened() => {
            Some(format!("task {key} was refused when it was enqueued, and yet it is there"))
        }
        Some(call) => {
            let early = |event: &u64| *event < call.begun.t_mono_ns;
            let given = life.claims.iter().map(|given| given.event.t_mono_ns).find(early);
            given.map(|_| format!("task {key} was given before it was enqueued"))
        }
        None => None,
    }
}

fn ids(life: &Life<'_>) -> Vec<i64> {
    let enqueued = life.enqueue.as_ref().and_then(|call| call.end()?.task);
    let given = life.claims.iter().filter_map(|given| given.event.task);
    let standing = life.standing.map(|standing| standing.task);
    enqueued.into_iter().chain(given).chain(standing).collect()
}
