//! Attempts are claims less releases, and no more than the task was given; the last failed one is its
//! death, and no other is unless it says so.

use crate::checker::Finding;
use crate::checker::facts::{Facts, Given, Life};
use crate::history::{Op, Phase};

pub(in crate::checker) fn check(facts: &Facts<'_>) -> Vec<Finding> {
    let mut found = Vec::new();
    for (key, life) in &facts.lives {
        let what = miscounted(facts, life).or_else(|| too_many(life)).or_else(|| misfailed(life));
        found.extend(what.map(|what| Finding::about([*key], format!("task {key} {what}"))));
    }
    found
}

/// A place in a task's life at which its attempts were recorded.
struct Told {
    attempt: u32,
    at_ns: u64,
}

fn miscounted(facts: &Facts<'_>, life: &Life<'_>) -> Option<String> {
    let mut before: Option<&Given<'_>> = None;
    for given in &life.claims {
        let recorded = Told { attempt: given.attempt(), at_ns: given.event.t_mono_ns };
        if !adds_up(facts, life, before, 1, &recorded) {
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
    let standing = life.standing?;
    let recorded = Told { attempt: standing.attempt, at_ns: u64::MAX };
    let counted = adds_up(facts, life, before, 0, &recorded);
    (!counted).then(|| format!("stands at attempt {} at the end", standing.attempt))
}

/// Whether the attempts recorded are those of the last claim, if there was one, less its release, with
/// `known` claims more and a possible number of others nobody knows of.
fn adds_up(
    facts: &Facts<'_>,
    life: &Life<'_>,
    last: Option<&Given<'_>>,
    known: i64,
    recorded: &Told,
) -> bool {
    let base = last.map_or(0, |given| i64::from(given.attempt()));
    let releases = |phase: Phase| {
        let uses = last.into_iter().flat_map(|given| &given.uses);
        uses.filter(|call| call.begun.op == Op::Release && call.outcome() == phase).count() as i64
    };
    // What a pool had claimed ahead loses no attempt by the death of its process, though it had begun.
    let adrift = last.is_some_and(|given| given.is_run() && !is_settled(given));
    let (sure, unsure) =
        (releases(Phase::Ok).min(1), releases(Phase::Info).min(1).max(i64::from(adrift)));
    let unknown = facts.unknown_claims_before(life, recorded.at_ns) as i64;
    let least = base - (sure + unsure).min(1) + known;
    let most = base - sure + known + unknown;
    (least..=most).contains(&i64::from(recorded.attempt))
}

fn is_settled(given: &Given<'_>) -> bool {
    given.uses.iter().any(|call| matches!(call.begun.op, Op::Complete | Op::Fail) && call.is_ok())
}

fn too_many(life: &Life<'_>) -> Option<String> {
    let max = life.enqueue.as_ref()?.begun.max_attempts?;
    let given = life.claims.iter().map(Given::attempt);
    let standing = life.standing.map(|standing| standing.attempt);
    let most = given.chain(standing).max()?;
    (most > max).then(|| format!("has {most} attempts of {max}"))
}

fn misfailed(life: &Life<'_>) -> Option<String> {
    let max = life.enqueue.as_ref()?.begun.max_attempts?;
    for given in &life.claims {
        for call in given.uses.iter().filter(|call| call.begun.op == Op::Fail && call.is_ok()) {
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
