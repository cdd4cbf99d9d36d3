//! Tokens rise with every claim, and only the holder of the last one changes anything. The other way round, a
//! lease that holds is not refused: one that has not expired, or that no claim can have taken back since.

use crate::checker::Finding;
use crate::checker::facts::{Call, Delivery, Facts, TaskTrace};
use crate::history::{Op, Refusal};

pub(in crate::checker) fn check(facts: &Facts<'_>) -> Vec<Finding> {
    let mut found = Vec::new();
    for (key, trace) in &facts.traces {
        let mut find = |what: String| found.push(Finding::about([*key], what));
        for pair in trace.claims.windows(2) {
            if let [first, second] = pair
                && !rises(first, second)
            {
                let (first, second) = (first.token(), second.token());
                find(format!(
                    "task {key} was given under token {second} before or together with {first}"
                ));
            }
        }
        for given in &trace.claims {
            for call in &given.uses {
                if let Some(what) = wrong_answer(facts, trace, given, call) {
                    let (op, token) = (call.begun.op, given.token());
                    find(format!("task {key}: {op} with token {token} was {what}"));
                }
            }
        }
    }
    found
}

/// Whether a later token, or an equal one, was given later.
fn rises(first: &Delivery<'_>, second: &Delivery<'_>) -> bool {
    first.token() < second.token() && first.begun_ns < second.event.t_mono_ns
}

fn wrong_answer(
    facts: &Facts<'_>,
    trace: &TaskTrace<'_>,
    given: &Delivery<'_>,
    call: &Call<'_>,
) -> Option<String> {
    let end = call.end()?;
    let others = trace.claims.iter().filter(|other| other.token() > given.token());
    if call.is_ok() {
        let overtaken = |other: &&Delivery<'_>| other.event.t_mono_ns <= call.begun.t_mono_ns;
        let other = others.clone().find(overtaken);
        return other.map(|other| format!("accepted when token {} had been given", other.token()));
    }
    if end.refusal != Some(Refusal::LeaseLost) {
        return None;
    }
    let taken = others.clone().any(|other| other.begun_ns < end.t_mono_ns);
    // The call itself does not count: it was refused.
    let settled = given.settled_before(end.t_mono_ns).is_some();
    let unsure = given
        .uses
        .iter()
        .any(|other| other.begun.op == Op::Extend && !other.is_ok() && other.may_have_happened());
    let held_until = given.held_until(call.begun.t_mono_ns);
    let held = held_until.is_some_and(|until| !facts.may_be_taken_back(until, end.t_mono_ns));
    let held = held && !taken && !settled && !unsure;
    held.then(|| "refused while its lease held".to_owned())
}
