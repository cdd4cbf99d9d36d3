//! Recording a failed attempt.

use std::time::Duration;

use prismq::State;

use crate::conformance::cases::{Engine, LEASE, SECOND, all_payloads, claim_one, held};
use crate::conformance::expect::{CaseResult, equal, present, refused};
use crate::conformance::subject::{Failure, Refusal, TaskSpec};

crate::conformance::cases::cases!(
    a_failed_attempt_is_retried_after_its_delay_and_not_before,
    a_failure_without_a_delay_is_ready_at_once,
    a_permanent_failure_is_dead_at_once,
    the_last_attempt_that_fails_is_dead,
    a_dead_letter_survives_a_restart_and_is_not_claimed,
    an_expired_lease_records_a_failure_until_a_claim_takes_it_back,
    a_lost_lease_records_nothing,
);

fn a_failed_attempt_is_retried_after_its_delay_and_not_before(engine: Engine<'_>) -> CaseResult {
    let first = held(engine, &TaskSpec::new("flaky"))?;
    let failure = Failure::retry("out of luck", Duration::from_secs(10));
    equal("the state", engine.fail(&first, &failure)?, State::Scheduled)?;
    let stored = present("the task", engine.task(first.task)?)?;
    equal("its error", stored.error.as_deref(), Some("out of luck"))?;
    engine.set_clock(10 * SECOND - 1);
    equal("a claim before the delay ends", all_payloads(engine)?, Vec::new())?;
    engine.set_clock(1);
    let second = claim_one(engine)?;
    equal("the task and its attempt", (second.task, second.attempt), (first.task, 2))?;
    let stats = engine.stats("default")?;
    equal("failed, scheduled, leased", (stats.failed, stats.scheduled, stats.leased), (1, 0, 1))
}

fn a_failure_without_a_delay_is_ready_at_once(engine: Engine<'_>) -> CaseResult {
    let first = held(engine, &TaskSpec::new("again"))?;
    let state = engine.fail(&first, &Failure::retry("again", Duration::ZERO))?;
    equal("the state", state, State::Ready)?;
    equal("the next attempt", claim_one(engine)?.attempt, 2)
}

fn a_permanent_failure_is_dead_at_once(engine: Engine<'_>) -> CaseResult {
    let lease = held(engine, &TaskSpec::new("malformed"))?;
    let state = engine.fail(&lease, &Failure::permanent("not a picture"))?;
    equal("the state", state, State::Dead)?;
    let stored = present("the dead letter", engine.task(lease.task)?)?;
    equal("its error", stored.error.as_deref(), Some("not a picture"))?;
    let stats = engine.stats("default")?;
    equal("dead and failed", (stats.dead, stats.failed), (1, 1))
}

fn the_last_attempt_that_fails_is_dead(engine: Engine<'_>) -> CaseResult {
    let mut lease = held(engine, &TaskSpec { max_attempts: 3, ..TaskSpec::new("hopeless") })?;
    for expected in [State::Ready, State::Ready, State::Dead] {
        let state = engine.fail(&lease, &Failure::retry("no", Duration::ZERO))?;
        equal(&format!("the state after attempt {}", lease.attempt), state, expected)?;
        if state == State::Ready {
            lease = claim_one(engine)?;
        }
    }
    equal("what is left to claim", all_payloads(engine)?, Vec::new())
}

fn a_dead_letter_survives_a_restart_and_is_not_claimed(engine: Engine<'_>) -> CaseResult {
    let lease = held(engine, &TaskSpec::new("dead"))?;
    engine.fail(&lease, &Failure::permanent("no"))?;
    engine.reopen();
    engine.set_clock(1000 * LEASE);
    equal("what can be claimed", all_payloads(engine)?, Vec::new())?;
    let stored = present("the dead letter", engine.task(lease.task)?)?;
    let (state, payload) = (stored.state, stored.payload.as_slice());
    equal("its state and payload", (state, payload), (State::Dead, b"dead".as_slice()))
}

fn an_expired_lease_records_a_failure_until_a_claim_takes_it_back(
    engine: Engine<'_>,
) -> CaseResult {
    let lease = held(engine, &TaskSpec::new("late"))?;
    engine.set_clock(LEASE);
    equal("the state", engine.fail(&lease, &Failure::permanent("no"))?, State::Dead)
}

fn a_lost_lease_records_nothing(engine: Engine<'_>) -> CaseResult {
    let lost = held(engine, &TaskSpec::new("contended"))?;
    engine.set_clock(LEASE);
    claim_one(engine)?;
    let before = engine.task(lost.task)?;
    for failure in [Failure::retry("late", Duration::ZERO), Failure::permanent("late")] {
        refused("the late failure", engine.fail(&lost, &failure), Refusal::LeaseLost)?;
    }
    equal("the task after it", engine.task(lost.task)?, before)?;
    equal("failed", engine.stats("default")?.failed, 0)
}
