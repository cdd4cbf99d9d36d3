//! What can be given is given: at the end nothing is left, and a task whose lease expired was taken
//! again in time. Asked only of histories whose workers asked for it.

use prismq::State;

use crate::checker::Finding;
use crate::checker::facts::{Facts, TaskTrace};

pub(in crate::checker) fn check(facts: &Facts<'_>) -> Vec<Finding> {
    let mut found = Vec::new();
    for (key, trace) in &facts.traces {
        let left = trace.stored.filter(|task| {
            facts.rules.drained
                && !matches!(task.state, State::Dead | State::Completed | State::Cancelled)
        });
        if let Some(left) = left {
            let what = format!("task {key} was left {:?} by workers that took all", left.state);
            found.push(Finding::about([*key], what));
        }
        let Some(within) = facts.rules.reclaimed_within else {
            continue;
        };
        for waited in recoveries(trace).map(|recovery| recovery.after_expiry) {
            if u128::try_from(waited).is_ok_and(|waited| waited > within.as_micros()) {
                let what =
                    format!("task {key} was taken again {waited} us after its lease expired");
                found.push(Finding::about([*key], what));
            }
        }
    }
    found
}

/// A task taken again after a lease that was not settled; times in microseconds of the queue's clock.
#[derive(Debug, Clone, Copy)]
pub(in crate::checker) struct Recovery {
    pub(in crate::checker) after_expiry: i64,
    pub(in crate::checker) after_claim: i64,
}

/// Every time this task was taken again after a lease that was not settled.
pub(in crate::checker) fn recoveries(trace: &TaskTrace<'_>) -> impl Iterator<Item = Recovery> {
    trace.claims.windows(2).filter_map(|pair| {
        let [first, second] = pair else {
            return None;
        };
        let again_ns = second.event.t_mono_ns;
        let unsettled = first.settled_before(again_ns).is_none();
        let expiry = first.expiry_before(again_ns).filter(|_| unsettled)?;
        Some(Recovery {
            after_expiry: second.event.t_db - expiry,
            after_claim: second.event.t_db - first.event.t_db,
        })
    })
}
