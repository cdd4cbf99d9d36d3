//! Returning a task without counting the attempt.

use prismq::State;

use crate::conformance::cases::{Engine, LEASE, claim_one, enqueue, held};
use crate::conformance::expect::{CaseResult, equal, holds, present, refused};
use crate::conformance::subject::{Refusal, TaskSpec};

crate::conformance::cases::cases!(
    a_released_task_keeps_its_place_and_its_attempts,
    a_released_task_is_under_a_higher_token_next,
    an_expired_lease_is_released_until_a_claim_takes_it_back,
    a_lost_lease_releases_nothing,
);

fn a_released_task_keeps_its_place_and_its_attempts(engine: Engine<'_>) -> CaseResult {
    let first = held(engine, &TaskSpec::new("first"))?;
    enqueue(engine, &TaskSpec::new("second"))?;
    engine.release(&first)?;
    let stored = present("the task", engine.task(first.task)?)?;
    equal("its state and attempts", (stored.state, stored.attempt), (State::Ready, 0))?;
    let again = claim_one(engine)?;
    equal("the next claim", (again.task, again.attempt), (first.task, 1))
}

fn a_released_task_is_under_a_higher_token_next(engine: Engine<'_>) -> CaseResult {
    let first = held(engine, &TaskSpec::new("returned"))?;
    engine.release(&first)?;
    refused("a second release", engine.release(&first), Refusal::LeaseLost)?;
    let again = claim_one(engine)?;
    holds("the token is higher", again.token > first.token)?;
    refused("a completion under the old token", engine.complete(&first), Refusal::LeaseLost)
}

fn an_expired_lease_is_released_until_a_claim_takes_it_back(engine: Engine<'_>) -> CaseResult {
    let lease = held(engine, &TaskSpec::new("late"))?;
    engine.set_clock(LEASE);
    engine.release(&lease)?;
    equal("the next attempt", claim_one(engine)?.attempt, 1)?;
    equal("leases taken back", engine.stats("default")?.reclaimed, 0)
}

fn a_lost_lease_releases_nothing(engine: Engine<'_>) -> CaseResult {
    let lost = held(engine, &TaskSpec::new("contended"))?;
    engine.set_clock(LEASE);
    claim_one(engine)?;
    let before = engine.task(lost.task)?;
    refused("the late release", engine.release(&lost), Refusal::LeaseLost)?;
    equal("the task after it", engine.task(lost.task)?, before)
}
