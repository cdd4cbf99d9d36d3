//! What a task keeps beyond its row: failed attempts and its result.

use std::time::Duration;

use prismq::State;
use prismq::limits::{ATTEMPTS_KEPT_MAX, RESULT_BYTES_MAX};

use crate::conformance::cases::{Engine, LEASE, claim_one, held};
use crate::conformance::expect::{CaseResult, Mismatch, equal, present, refused};
use crate::conformance::subject::{Failure, Refusal, TaskSpec};

crate::conformance::cases::cases!(
    each_failed_attempt_is_kept_with_its_error,
    an_expired_lease_is_kept_as_an_attempt_without_an_error_of_its_own,
    a_released_or_snoozed_attempt_is_not_kept,
    the_last_attempts_are_kept,
    attempts_stay_with_a_dead_and_with_a_kept_task,
    a_result_is_kept_with_a_kept_task,
    a_result_out_of_bounds_is_refused_and_the_lease_holds,
    a_lost_lease_keeps_no_result,
);

/// The attempts of a task.
fn attempts(engine: Engine<'_>, id: i64) -> Result<Vec<(u32, Option<String>)>, Mismatch> {
    Ok(present("the task", engine.task(id)?)?.attempts)
}

fn named(number: u32, error: &str) -> (u32, Option<String>) {
    (number, Some(error.to_owned()))
}

fn each_failed_attempt_is_kept_with_its_error(engine: Engine<'_>) -> CaseResult {
    let first = held(engine, &TaskSpec::new("fails"))?;
    engine.fail(&first, &Failure::retry("one", Duration::ZERO))?;
    let second = claim_one(engine)?;
    equal("while it runs", attempts(engine, first.task)?, vec![named(1, "one")])?;
    engine.fail(&second, &Failure::retry("two", Duration::ZERO))?;
    engine.reopen();
    let both = vec![named(1, "one"), named(2, "two")];
    equal("after both", attempts(engine, first.task)?, both)
}

fn an_expired_lease_is_kept_as_an_attempt_without_an_error_of_its_own(
    engine: Engine<'_>,
) -> CaseResult {
    let lease = held(engine, &TaskSpec::new("late"))?;
    engine.set_clock(LEASE);
    claim_one(engine)?;
    equal("its attempts", attempts(engine, lease.task)?, vec![(1, None)])
}

fn a_released_or_snoozed_attempt_is_not_kept(engine: Engine<'_>) -> CaseResult {
    let lease = held(engine, &TaskSpec::new("put back"))?;
    engine.release(&lease)?;
    let again = claim_one(engine)?;
    engine.snooze(&again, Duration::ZERO)?;
    equal("its attempts", attempts(engine, lease.task)?, Vec::new())
}

fn the_last_attempts_are_kept(engine: Engine<'_>) -> CaseResult {
    let most = ATTEMPTS_KEPT_MAX + 2;
    let mut lease = held(engine, &TaskSpec { max_attempts: most, ..TaskSpec::new("stubborn") })?;
    for attempt in 1..most {
        engine.fail(&lease, &Failure::retry("no", Duration::ZERO))?;
        lease = claim_one(engine)?;
        equal("the attempt", lease.attempt, attempt + 1)?;
    }
    engine.fail(&lease, &Failure::permanent("no"))?;
    let numbers: Vec<u32> =
        attempts(engine, lease.task)?.into_iter().map(|(number, _)| number).collect();
    equal("their numbers", numbers, (3..=most).collect::<Vec<_>>())
}

fn attempts_stay_with_a_dead_and_with_a_kept_task(engine: Engine<'_>) -> CaseResult {
    engine.set_history("default", 1)?;
    let kept = held(engine, &TaskSpec::new("kept"))?;
    engine.fail(&kept, &Failure::retry("once", Duration::ZERO))?;
    let again = claim_one(engine)?;
    engine.complete(&again)?;
    let dead = held(engine, &TaskSpec::new("dead"))?;
    engine.fail(&dead, &Failure::permanent("for good"))?;
    equal("of the kept one", attempts(engine, kept.task)?, vec![named(1, "once")])?;
    equal("of the dead one", attempts(engine, dead.task)?, vec![named(1, "for good")])
}

fn a_result_is_kept_with_a_kept_task(engine: Engine<'_>) -> CaseResult {
    engine.set_history("default", 1)?;
    let lease = held(engine, &TaskSpec::new("kept"))?;
    engine.complete_with(&lease, b"the result")?;
    engine.reopen();
    let task = present("the task", engine.task(lease.task)?)?;
    equal("its state", task.state, State::Completed)?;
    equal("its result", task.result.as_deref(), Some(b"the result".as_slice()))?;
    let next = held(engine, &TaskSpec::new("next"))?;
    engine.complete(&next)?;
    equal("the one before", engine.task(lease.task)?, None)?;
    equal("its result", present("the next", engine.task(next.task)?)?.result, None)
}

fn a_result_out_of_bounds_is_refused_and_the_lease_holds(engine: Engine<'_>) -> CaseResult {
    let lease = held(engine, &TaskSpec::new("large"))?;
    let large = vec![0; RESULT_BYTES_MAX + 1];
    refused("a large result", engine.complete_with(&lease, &large), Refusal::Invalid)?;
    Ok(engine.complete_with(&lease, b"small")?)
}

fn a_lost_lease_keeps_no_result(engine: Engine<'_>) -> CaseResult {
    engine.set_history("default", 1)?;
    let lost = held(engine, &TaskSpec::new("contended"))?;
    engine.set_clock(LEASE);
    let current = claim_one(engine)?;
    refused("a late result", engine.complete_with(&lost, b"late"), Refusal::LeaseLost)?;
    engine.complete(&current)?;
    equal("its result", present("the task", engine.task(lost.task)?)?.result, None)
}
