//! A task that waits is cancelled at once, of one that runs that is requested, and neither is given again; one that ended is
//! answered so.

use prismq::State;

use crate::checker::Finding;
use crate::checker::facts::{Call, Delivery, Facts, TaskTrace};
use crate::history::{Event, Op};

pub(in crate::checker) fn check(facts: &Facts<'_>) -> Vec<Finding> {
    let mut found = Vec::new();
    for (key, trace) in &facts.traces {
        for cancel in trace.cancels.iter().filter(|call| call.is_ok()) {
            let Some(end) = cancel.end() else { continue };
            let wrong = match end.cancelled {
                Some(at_once) => given_again(trace, cancel)
                    .or_else(|| wrongly_done(facts, trace, cancel, at_once)),
                None => denied(facts, trace, cancel, end),
            };
            found.extend(wrong.map(|what| Finding::about([*key], format!("task {key} {what}"))));
        }
    }
    found
}

/// What happened to a task that should not run again.
fn given_again(trace: &TaskTrace<'_>, cancel: &Call<'_>) -> Option<String> {
    let again = trace.claims.iter().find(|given| given.begun_ns > cancel.ended_ns())?;
    Some(format!("was to be cancelled, and was given again under token {}", again.token()))
}

fn wrongly_done(
    facts: &Facts<'_>,
    trace: &TaskTrace<'_>,
    cancel: &Call<'_>,
    at_once: bool,
) -> Option<String> {
    if at_once {
        let ran = trace.claims.iter().find(|given| was_held(given, cancel));
        let stored = trace.stored.filter(|task| task.state != State::Cancelled);
        return match (ran, stored) {
            (Some(ran), _) => Some(format!("was cancelled while token {} held it", ran.token())),
            (None, Some(task)) => Some(format!("was cancelled, and is stored as {:?}", task.state)),
            (None, None) => None,
        };
    }
    let failed = trace.uses().find(|call| {
        call.begun.op == Op::Fail
            && call.is_ok()
            && call.begun.t_mono_ns > cancel.ended_ns()
            && call.end().is_some_and(|end| end.cancelled != Some(true))
    });
    if failed.is_some() {
        return Some("was to be cancelled, failed, and was not cancelled by that".to_owned());
    }
    let before = cancel.ended_ns();
    let claimed = trace.claims.iter().any(|given| given.begun_ns < before)
        || facts.unknown_claims_before(trace, before) > 0
        || facts.has_pool_before(before);
    (!claimed).then(|| "was taken for a running one, and nobody had claimed it".to_owned())
}

/// Whether a lease held its task for the whole of a call.
fn was_held(given: &Delivery<'_>, call: &Call<'_>) -> bool {
    let ended = call.end().map_or(i64::MAX, |end| end.t_db);
    given.event.t_mono_ns < call.begun.t_mono_ns
        && given.settled_before(call.ended_ns()).is_none()
        && given.held_until(call.ended_ns()).is_some_and(|until| until > ended)
}

/// Whether it was said of a task that had not ended that it had.
fn denied(
    facts: &Facts<'_>,
    trace: &TaskTrace<'_>,
    cancel: &Call<'_>,
    end: &Event,
) -> Option<String> {
    let enqueue = trace.enqueue.as_ref()?;
    let live = enqueue.is_ok()
        && enqueue.ended_ns() < cancel.begun.t_mono_ns
        && !facts.may_have_ended(trace, end);
    live.then(|| "was not cancelled, as if it had ended".to_owned())
}
