//! Cancelling a task.

use std::time::Duration;

use prismq::{CancelOutcome, State};

use crate::conformance::cases::{Engine, LEASE, all_payloads, claim_one, enqueue, held};
use crate::conformance::expect::{CaseResult, equal, refused};
use crate::conformance::subject::{Failure, Refusal, TaskSpec};

crate::conformance::cases::cases!(
    a_task_that_waits_ends_at_once,
    a_running_task_ends_as_cancelled_when_its_attempt_fails,
    a_running_task_ends_as_cancelled_when_it_is_released,
    a_running_task_ends_as_cancelled_when_its_lease_has_expired,
    a_completion_wins_over_a_request,
    a_completion_by_a_lost_lease_leaves_a_request,
    what_has_ended_cannot_be_cancelled,
);

fn a_task_that_waits_ends_at_once(engine: Engine<'_>) -> CaseResult {
    let delay = Duration::from_secs(5);
    let scheduled = enqueue(engine, &TaskSpec { delay, ..TaskSpec::new("scheduled") })?;
    let ready = enqueue(engine, &TaskSpec::new("ready"))?;
    for id in [scheduled, ready] {
        equal("the answer", engine.cancel(id)?, CancelOutcome::Cancelled)?;
        equal("the task", engine.task(id)?, None)?;
    }
    engine.set_clock(LEASE);
    equal("what can be claimed", all_payloads(engine)?, Vec::new())?;
    let stats = engine.stats("default")?;
    equal("cancelled, ready, scheduled", (stats.cancelled, stats.ready, stats.scheduled), (2, 0, 0))
}

fn a_running_task_ends_as_cancelled_when_its_attempt_fails(engine: Engine<'_>) -> CaseResult {
    let lease = held(engine, &TaskSpec::new("running"))?;
    equal("the answer", engine.cancel(lease.task)?, CancelOutcome::Requested)?;
    engine.reopen();
    let failure = Failure::retry("stopped early", Duration::ZERO);
    equal("its state", engine.fail(&lease, &failure)?, State::Cancelled)?;
    is_cancelled(engine)
}

fn a_running_task_ends_as_cancelled_when_it_is_released(engine: Engine<'_>) -> CaseResult {
    let lease = held(engine, &TaskSpec::new("running"))?;
    engine.cancel(lease.task)?;
    engine.release(&lease)?;
    is_cancelled(engine)
}

fn a_running_task_ends_as_cancelled_when_its_lease_has_expired(engine: Engine<'_>) -> CaseResult {
    let lease = held(engine, &TaskSpec::new("running"))?;
    engine.cancel(lease.task)?;
    engine.set_clock(LEASE);
    is_cancelled(engine)
}

fn is_cancelled(engine: Engine<'_>) -> CaseResult {
    equal("what can be claimed", all_payloads(engine)?, Vec::new())?;
    let stats = engine.stats("default")?;
    equal("cancelled, leased, dead", (stats.cancelled, stats.leased, stats.dead), (1, 0, 0))
}

fn a_completion_wins_over_a_request(engine: Engine<'_>) -> CaseResult {
    let lease = held(engine, &TaskSpec::new("running"))?;
    engine.cancel(lease.task)?;
    engine.complete(&lease)?;
    let stats = engine.stats("default")?;
    equal("completed and cancelled", (stats.completed, stats.cancelled), (1, 0))
}

fn a_completion_by_a_lost_lease_leaves_a_request(engine: Engine<'_>) -> CaseResult {
    let lost = held(engine, &TaskSpec::new("running"))?;
    engine.set_clock(LEASE);
    let current = claim_one(engine)?;
    equal("the answer", engine.cancel(current.task)?, CancelOutcome::Requested)?;
    refused("the late completion", engine.complete(&lost), Refusal::LeaseLost)?;
    let failure = Failure::retry("stopped early", Duration::ZERO);
    equal("its state", engine.fail(&current, &failure)?, State::Cancelled)?;
    is_cancelled(engine)
}

fn what_has_ended_cannot_be_cancelled(engine: Engine<'_>) -> CaseResult {
    let dead = held(engine, &TaskSpec::new("dead"))?;
    engine.fail(&dead, &Failure::permanent("no"))?;
    equal("a dead task", engine.cancel(dead.task)?, CancelOutcome::NotActive)?;
    equal("an id that was never given", engine.cancel(dead.task + 1)?, CancelOutcome::NotActive)?;
    equal("dead", engine.stats("default")?.dead, 1)
}
