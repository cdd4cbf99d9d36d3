//! The file is sound at every snapshot, and at the end its counters agree with the history.

use super::no_loss::is_death;
use crate::checker::Finding;
use crate::checker::facts::{Call, Facts};
use crate::history::{Op, Phase};

pub(in crate::checker) fn check(facts: &Facts<'_>) -> Vec<Finding> {
    let mut found: Vec<Finding> = facts
        .snapshots
        .iter()
        .flat_map(|snapshot| &snapshot.problems)
        .map(|problem| Finding::about([], problem.clone()))
        .collect();
    let Some(last) = facts.last.filter(|_| facts.rules.complete_history) else {
        return found;
    };
    let counters = [
        (Op::Enqueue, last.totals.enqueued),
        (Op::Complete, last.totals.completed),
        (Op::Fail, last.totals.failed),
    ];
    for (op, counter) in counters {
        let of_op = || facts.calls.iter().filter(move |call| call.begun.op == op);
        let of_slots = if op == Op::Enqueue { of_slots(facts) } else { 0 };
        let least = of_op().filter(|call| call.is_ok()).count() as u64 + of_slots;
        let unheard = if op == Op::Fail { unheard_failures(facts) } else { of_slots };
        let most = of_op().filter(|call| call.may_have_happened()).count() as u64 + unheard;
        if !(least..=most).contains(&counter) {
            let what =
                format!("the counter of {op} shows {counter}, and {least} to {most} were done");
            found.push(Finding::about([], what));
        }
    }
    let redriven_or_deleted = facts
        .calls
        .iter()
        .any(|call| matches!(call.begun.op, Op::Redrive | Op::Delete) && call.may_have_happened());
    if redriven_or_deleted {
        return found;
    }
    let dead = facts.calls.iter().filter(|call| call.is_ok() && is_death(call)).count();
    let stored = last.tasks.iter().filter(|task| task.state == prismq::State::Dead).count();
    if stored < dead {
        found.push(Finding::about([], format!("{dead} tasks died and {stored} are there")));
    }
    found
}

/// The tasks that schedules enqueued: all were given or are stored, as nobody cancels or deletes them.
fn of_slots(facts: &Facts<'_>) -> u64 {
    facts.traces.values().filter(|trace| trace.slot().is_some()).count() as u64
}

/// Handlers that may have been recorded as failed for taking too long, without a record of it, and tasks
/// that pools failed without a handler, as their payloads could not be read.
fn unheard_failures(facts: &Facts<'_>) -> u64 {
    let given = facts.traces.values().flat_map(|trace| &trace.claims);
    let failed = |call: &Call<'_>| call.begun.op == Op::Fail && call.may_have_happened();
    let limited = given.filter(|given| given.event.limited && !given.uses.iter().any(failed));
    let unread = facts.history.events().iter().filter(|event| {
        event.op == Op::RunHandler && event.phase == Phase::Info && event.dead.is_some()
    });
    (limited.count() + unread.count()) as u64
}
