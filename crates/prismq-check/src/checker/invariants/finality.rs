//! A task ends once, by its completion, its death or its cancellation, and nothing happens to it afterwards, unless it was
//! dead and is put back.

use super::no_loss::is_death;
use crate::checker::Finding;
use crate::checker::facts::{Call, Delivery, Facts, TaskTrace};
use crate::history::Op;

pub(in crate::checker) fn check(facts: &Facts<'_>) -> Vec<Finding> {
    let mut found = Vec::new();
    for (key, trace) in &facts.traces {
        let mut ends: Vec<&Call<'_>> = trace.uses().filter(|call| is_end(call)).collect();
        // Of two pools, the second may report sooner what it did.
        ends.sort_by_key(|call| call.begun.token);
        ends.extend(trace.cancels.iter().filter(|call| is_end(call)));
        let again = ends.windows(2).find(|pair| match pair {
            [first, second] => !facts.may_rise(trace, first, second.ended_ns()),
            _ => false,
        });
        if again.is_some() {
            let what = format!("task {key} ended {} times", ends.len());
            found.push(Finding::about([*key], what));
            continue;
        }
        found.extend(ends.into_iter().flat_map(|end| after(facts, *key, trace, end)));
    }
    found
}

/// Whether a call ended its task.
fn is_end(call: &Call<'_>) -> bool {
    let cancelled = || call.end().is_some_and(|end| end.cancelled == Some(true));
    call.is_ok() && (call.begun.op == Op::Complete || is_death(call) || cancelled())
}

/// What happened to a task after its end.
fn after(facts: &Facts<'_>, key: u64, trace: &TaskTrace<'_>, end: &Call<'_>) -> Vec<Finding> {
    let mut found = Vec::new();
    // A pool may have claimed it long before it runs it, but not under a later token than the last.
    let after = |given: &&Delivery<'_>| {
        let later = given.is_run() && end.begun.token.is_some_and(|last| given.token() > last);
        (later || given.begun_ns > end.ended_ns())
            && !facts.may_rise(trace, end, given.event.t_mono_ns)
    };
    if let Some(again) = trace.claims.iter().find(after) {
        let what =
            format!("task {key} had ended and was given again, under token {}", again.token());
        found.push(Finding::about([key], what));
    }
    let late = trace.uses().find(|call| {
        call.is_ok()
            && call.begun.t_mono_ns > end.ended_ns()
            && !facts.may_rise(trace, end, call.ended_ns())
    });
    if let Some(late) = late {
        let what = format!("task {key} had ended, and yet a later {} was accepted", late.begun.op);
        found.push(Finding::about([key], what));
    }
    found
}
