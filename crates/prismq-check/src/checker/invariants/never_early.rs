//! Nothing is given before its time: that of its enqueue, or of the retry it was failed with.

use super::no_loss::is_death;
use crate::checker::Finding;
use crate::checker::facts::{Call, Facts};
use crate::history::Op;

pub(in crate::checker) fn check(facts: &Facts<'_>) -> Vec<Finding> {
    let mut found = Vec::new();
    for (key, trace) in &facts.traces {
        let mut due = trace.enqueue.as_ref().and_then(earliest);
        for given in &trace.claims {
            let at = given.given_by;
            if let Some(due) = due.filter(|due| at < *due) {
                let what = format!("task {key} was given at {at}, {} us early", due - at);
                found.push(Finding::about([*key], what));
            }
            let failed = given.uses.iter().rfind(|call| call.begun.op == Op::Fail && call.is_ok());
            // A dead one runs again when it is redriven.
            due = failed.filter(|call| !is_death(call)).and_then(earliest);
        }
    }
    found
}

/// The earliest time a call can have meant by its delay. Without one a task is due at once, also for a claim that had
/// read its time before the call.
fn earliest(call: &Call<'_>) -> Option<i64> {
    call.begun.run_at.filter(|due| *due > call.begun.t_db)
}
