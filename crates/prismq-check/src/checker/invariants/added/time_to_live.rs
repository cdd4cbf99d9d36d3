//! A task with a time to live starts in time, or never, unless it is redriven.

use crate::checker::Finding;
use crate::checker::facts::{Call, Facts, TaskTrace};
use crate::history::{Event, Op};

pub(in crate::checker) fn check(facts: &Facts<'_>) -> Vec<Finding> {
    let mut found = Vec::new();
    for (key, trace) in &facts.traces {
        let Some(start_by) = trace.start_by() else { continue };
        // A pool looks at the time before its handler begins, which is recorded later.
        let claimed = trace.claims.iter().filter(|given| !given.is_run() && given.attempt() == 1);
        for event in claimed.map(|given| given.event) {
            if event.t_db >= start_by && !may_have_risen(facts, trace, event) {
                let late = event.t_db - start_by;
                let what = format!("task {key} was first given {late} us after its time to live");
                found.push(Finding::about([*key], what));
            }
        }
    }
    found
}

/// Whether it may have been dead, for being late or failing, and redriven before this event.
fn may_have_risen(facts: &Facts<'_>, trace: &TaskTrace<'_>, event: &Event) -> bool {
    let Some(begun) = trace.enqueue.as_ref().map(|call| call.begun) else { return false };
    let failed = trace.uses().any(|call| {
        call.begun.op == Op::Fail
            && call.may_have_happened()
            && call.begun.t_mono_ns < event.t_mono_ns
    });
    let late_from = begun.t_db + begun.lives.unwrap_or(0);
    let when_late = |call: &Call<'_>| call.end().is_none_or(|end| end.t_db >= late_from);
    let mut redrives = facts.acts_on(Op::Redrive, trace, (begun.t_mono_ns, event.t_mono_ns));
    redrives.any(|call| failed || when_late(call))
}
