//! Attempts are claims less releases, and no more than allowed; the task is dead after the last failed one, and after
//! no other unless the failure was permanent.

use crate::checker::Finding;
use crate::checker::facts::{Delivery, Facts, TaskTrace};
use crate::history::{Op, Phase};

pub(in crate::checker) fn check(facts: &Facts<'_>) -> Vec<Finding> {
    let mut found = Vec::new();
    for (key, trace) in &facts.traces {
        let what = wrong_count(facts, trace)
            .or_else(|| too_many_attempts(trace))
            .or_else(|| wrong_death(trace));
        found.extend(what.map(|what| Finding::about([*key], format!("task {key} {what}"))));
    }
    found
}

/// A point of a task's trace at which its attempts were recorded.
struct Recorded {
    attempt: u32,
    at_ns: u64,
}

fn wrong_count(facts: &Facts<'_>, trace: &TaskTrace<'_>) -> Option<String> {
    let mut before: Option<&Delivery<'_>> = None;
    for given in &trace.claims {
        let recorded = Recorded { attempt: given.attempt(), at_ns: given.event.t_mono_ns };
        if !adds_up(facts, trace, before, 1, &recorded) {
            return Some(match before {
                Some(before) => format!(
                    "was given as attempt {} under token {} and next as attempt {} under token {}",
                    before.attempt(),
                    before.token(),
                    given.attempt(),
                    given.token()
                ),
                None => format!("was first given as attempt {}", given.attempt()),
            });
        }
        before = Some(given);
    }
    let stored = trace.stored?;
    let recorded = Recorded { attempt: stored.attempt, at_ns: u64::MAX };
    let counted = adds_up(facts, trace, before, 0, &recorded);
    (!counted).then(|| format!("is stored at attempt {} at the end", stored.attempt))
}

/// Whether the attempts recorded are those of the last claim, if there was one, less its release, with
/// `known` more claims and possibly some that were not recorded.
fn adds_up(
    facts: &Facts<'_>,
    trace: &TaskTrace<'_>,
    last: Option<&Delivery<'_>>,
    known: i64,
    recorded: &Recorded,
) -> bool {
    let base = last.map_or(0, |given| i64::from(given.attempt()));
    let releases = |phase: Phase| {
        let uses = last.into_iter().flat_map(|given| &given.uses);
        uses.filter(|call| call.begun.op == Op::Release && call.outcome() == phase).count() as i64
    };
    // What a pool had claimed ahead loses no attempt by the death of its process, though it had begun.
    let unsettled = last.is_some_and(|given| given.is_run() && !is_settled(given));
    let (sure, unsure) =
        (releases(Phase::Ok).min(1), releases(Phase::Info).min(1).max(i64::from(unsettled)));
    let unknown = facts.unknown_claims_before(trace, recorded.at_ns) as i64;
    // One that was redriven has all its attempts again.
    let from_ns = last.map_or(0, |given| given.begun_ns);
    let redriven = facts.may_be_redriven(trace, (from_ns, recorded.at_ns));
    let least = if redriven { known } else { base - (sure + unsure).min(1) + known };
    let most = base - sure + known + unknown;
    (least..=most).contains(&i64::from(recorded.attempt))
}

fn is_settled(given: &Delivery<'_>) -> bool {
    given.uses.iter().any(|call| matches!(call.begun.op, Op::Complete | Op::Fail) && call.is_ok())
}

fn too_many_attempts(trace: &TaskTrace<'_>) -> Option<String> {
    let max = trace.enqueue.as_ref()?.begun.max_attempts?;
    let given = trace.claims.iter().map(Delivery::attempt);
    let stored = trace.stored.map(|stored| stored.attempt);
    let most = given.chain(stored).max()?;
    (most > max).then(|| format!("has {most} attempts of {max}"))
}

fn wrong_death(trace: &TaskTrace<'_>) -> Option<String> {
    let max = trace.enqueue.as_ref()?.begun.max_attempts?;
    for given in &trace.claims {
        for call in given.uses.iter().filter(|call| call.begun.op == Op::Fail && call.is_ok()) {
            // One of which that was requested is cancelled instead.
            if call.end().is_some_and(|end| end.cancelled == Some(true)) {
                continue;
            }
            let expected = call.begun.dead == Some(true) || given.attempt() >= max;
            let died = call.end().and_then(|end| end.dead) == Some(true);
            if died != expected {
                let attempt = given.attempt();
                return Some(format!(
                    "failed attempt {attempt} of {max} and {}",
                    if died { "died of it" } else { "did not die of it" }
                ));
            }
        }
    }
    None
}
