//! A task that waited when a deletion of its type began, and that nobody had claimed, is gone afterwards.

use crate::checker::Finding;
use crate::checker::facts::{Call, Facts, TaskTrace};
use crate::history::Op;

pub(in crate::checker) fn check(facts: &Facts<'_>) -> Vec<Finding> {
    let mut found = Vec::new();
    for (key, trace) in &facts.traces {
        let Some(enqueue) = trace.enqueue.as_ref().filter(|call| call.is_ok()) else { continue };
        let acts = facts.acts_on(Op::Delete, trace, (enqueue.ended_ns(), u64::MAX));
        let waited = |call: &&Call<'_>| {
            call.is_ok()
                && call.begun.t_mono_ns > enqueue.ended_ns()
                && !may_have_been_claimed(facts, trace, call.ended_ns())
        };
        let Some(deleted) = acts.into_iter().find(waited) else { continue };
        let given = trace.claims.iter().find(|given| given.begun_ns > deleted.ended_ns());
        let what = match given {
            Some(given) => {
                format!("task {key} was deleted, and was given under token {}", given.token())
            }
            None if trace.stored.is_some() => format!("task {key} was deleted, and is stored"),
            None => continue,
        };
        found.push(Finding::about([*key], what));
    }
    found
}

fn may_have_been_claimed(facts: &Facts<'_>, trace: &TaskTrace<'_>, before_ns: u64) -> bool {
    trace.claims.iter().any(|given| given.begun_ns < before_ns)
        || facts.unknown_claims_before(trace, before_ns) > 0
        || facts.has_pool_before(before_ns)
}
