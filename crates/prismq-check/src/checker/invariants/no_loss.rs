//! What was acknowledged persists: an enqueued task is stored or has ended, and a final state stays.

use prismq::State;

use crate::checker::Finding;
use crate::checker::facts::{Call, Facts, TaskTrace, cancels};
use crate::history::Op;

pub(in crate::checker) fn check(facts: &Facts<'_>) -> Vec<Finding> {
    if facts.last.is_none() {
        return Vec::new();
    }
    let mut found = Vec::new();
    for (key, trace) in &facts.traces {
        if is_lost(facts, trace) {
            let what = format!("task {key} was enqueued, did not end, and is not stored");
            found.push(Finding::about([*key], what));
        }
        let Some(stored) = trace.stored else {
            continue;
        };
        if ended(trace, Op::Complete).is_some() && stored.state != State::Completed {
            let what = format!("the completion of task {key} was undone: it is {:?}", stored.state);
            found.push(Finding::about([*key], what));
        }
        let stays_dead = |call: &Call<'_>| {
            call.is_ok() && is_death(call) && !facts.may_rise(trace, call, u64::MAX)
        };
        let dead = trace.uses().any(stays_dead);
        if dead && stored.state != State::Dead {
            let what = format!("task {key} was a dead letter, and is {:?} now", stored.state);
            found.push(Finding::about([*key], what));
        }
    }
    found
}

/// Whether an acknowledged task is not stored, and was neither completed nor cancelled nor deleted. Asked only if there
/// is a last snapshot.
pub(in crate::checker) fn is_lost(facts: &Facts<'_>, trace: &TaskTrace<'_>) -> bool {
    let acked = trace.enqueue.as_ref().is_some_and(Call::is_ok);
    let completed =
        trace.uses().any(|call| call.begun.op == Op::Complete && call.may_have_happened());
    let removed = trace.cancels.iter().any(cancels) || facts.may_be_deleted(trace, u64::MAX);
    acked && !completed && !removed && trace.stored.is_none()
}

pub(in crate::checker) fn is_death(call: &Call<'_>) -> bool {
    call.begun.op == Op::Fail && call.end().is_some_and(|end| end.dead == Some(true))
}

fn ended<'c, 'a>(trace: &'c TaskTrace<'a>, op: Op) -> Option<&'c Call<'a>> {
    trace.uses().find(|call| call.begun.op == op && call.is_ok())
}
