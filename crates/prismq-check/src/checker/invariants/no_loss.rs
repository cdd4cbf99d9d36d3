//! What was acknowledged is still so: a task that was enqueued is there or was completed, and what ended
//! is still at its end.

use prismq::State;

use crate::checker::Finding;
use crate::checker::facts::{Call, Facts, Life};
use crate::history::Op;

pub(in crate::checker) fn check(facts: &Facts<'_>) -> Vec<Finding> {
    if facts.last.is_none() {
        return Vec::new();
    }
    let mut found = Vec::new();
    for (key, life) in &facts.lives {
        if is_lost(life) {
            let what = format!("task {key} was enqueued, was not completed, and is nowhere");
            found.push(Finding::about([*key], what));
        }
        let Some(standing) = life.standing else {
            continue;
        };
        if ended(life, Op::Complete).is_some() && standing.state != State::Completed {
            let what =
                format!("the completion of task {key} was undone: it is {:?}", standing.state);
            found.push(Finding::about([*key], what));
        }
        let dead = life.uses().any(|call| call.is_ok() && is_death(call));
        if dead && standing.state != State::Dead {
            let what = format!("task {key} was a dead letter, and is {:?} now", standing.state);
            found.push(Finding::about([*key], what));
        }
    }
    found
}

/// Whether an acknowledged task is nowhere. Only where it was looked at the end.
pub(in crate::checker) fn is_lost(life: &Life<'_>) -> bool {
    let acked = life.enqueue.as_ref().is_some_and(Call::is_ok);
    let completed =
        life.uses().any(|call| call.begun.op == Op::Complete && call.may_have_happened());
    acked && !completed && life.standing.is_none()
}

pub(in crate::checker) fn is_death(call: &Call<'_>) -> bool {
    call.begun.op == Op::Fail && call.end().is_some_and(|end| end.dead == Some(true))
}

fn ended<'c, 'a>(life: &'c Life<'a>, op: Op) -> Option<&'c Call<'a>> {
    life.uses().find(|call| call.begun.op == op && call.is_ok())
}
