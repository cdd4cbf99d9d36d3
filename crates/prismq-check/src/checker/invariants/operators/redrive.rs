//! A task that was dead when a redrive began runs again.

use prismq::State;

use crate::checker::Finding;
use crate::checker::facts::{Call, Facts, TaskTrace};
use crate::checker::invariants::no_loss::is_death;
use crate::history::Op;

pub(in crate::checker) fn check(facts: &Facts<'_>) -> Vec<Finding> {
    let mut found = Vec::new();
    for (key, trace) in &facts.traces {
        let dead = trace.stored.filter(|task| task.state == State::Dead);
        let died = trace.uses().filter(|call| call.is_ok() && is_death(call));
        let Some((_, died)) = dead.zip(died.max_by_key(|call| call.ended_ns())) else { continue };
        let redriven = facts
            .acts_on(Op::Redrive, trace, (died.ended_ns(), u64::MAX))
            .find(|call| call.is_ok() && call.begun.t_mono_ns > died.ended_ns());
        if let Some(redriven) = redriven.filter(|call| !may_have_run(facts, trace, call)) {
            let at = redriven.begun.t_mono_ns;
            let what = format!(
                "task {key} was dead at {at} ns when it was redriven, and is still, without having run"
            );
            found.push(Finding::about([*key], what));
        }
    }
    found
}

/// Whether it may have run, and died again, after a call began.
fn may_have_run(facts: &Facts<'_>, trace: &TaskTrace<'_>, call: &Call<'_>) -> bool {
    let since = call.begun.t_mono_ns;
    let max = trace.enqueue.as_ref().and_then(|call| call.begun.max_attempts).unwrap_or(1);
    let unknown =
        facts.unknown_claims_before(trace, u64::MAX) - facts.unknown_claims_before(trace, since);
    trace.claims.iter().any(|given| given.event.t_mono_ns > since) || unknown >= max as usize
}
