//! A task is held by one lease at a time: when it was given again, its last lease had been settled, or
//! had expired by the time of the queue's own clock at which it was given.

use crate::checker::Finding;
use crate::checker::facts::{Delivery, Facts};

pub(in crate::checker) fn check(facts: &Facts<'_>) -> Vec<Finding> {
    let mut found = Vec::new();
    for (key, trace) in &facts.traces {
        for pair in trace.claims.windows(2) {
            let [first, second] = pair else {
                continue;
            };
            if overlap(first, second) {
                let what = format!(
                    "task {key} was given under token {} while token {} still held it",
                    second.token(),
                    first.token()
                );
                found.push(Finding::about([*key], what));
            }
        }
    }
    found
}

fn overlap(first: &Delivery<'_>, second: &Delivery<'_>) -> bool {
    let given_ns = second.event.t_mono_ns;
    let held_until = first.held_until(given_ns);
    first.settled_before(given_ns).is_none()
        && held_until.is_some_and(|expiry| second.given_by < expiry)
}
