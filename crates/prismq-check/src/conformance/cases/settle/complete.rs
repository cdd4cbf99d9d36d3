//! Completing a task.

use crate::conformance::cases::{Engine, LEASE, all_payloads, claim_one, held};
use crate::conformance::expect::{CaseResult, equal, refused};
use crate::conformance::subject::{Refusal, TaskSpec};

crate::conformance::cases::cases!(
    a_completed_task_is_gone,
    a_task_is_completed_once,
    an_expired_lease_completes_its_task_until_a_claim_takes_it_back,
    a_lost_lease_completes_nothing,
);

fn a_completed_task_is_gone(engine: Engine<'_>) -> CaseResult {
    let lease = held(engine, &TaskSpec::new("done"))?;
    engine.complete(&lease)?;
    equal("the task", engine.task(lease.task)?, None)?;
    let stats = engine.stats("default")?;
    equal("completed and leased", (stats.completed, stats.leased), (1, 0))
}

fn a_task_is_completed_once(engine: Engine<'_>) -> CaseResult {
    let lease = held(engine, &TaskSpec::new("done"))?;
    engine.complete(&lease)?;
    refused("a second completion", engine.complete(&lease), Refusal::LeaseLost)?;
    equal("completed", engine.stats("default")?.completed, 1)
}

fn an_expired_lease_completes_its_task_until_a_claim_takes_it_back(
    engine: Engine<'_>,
) -> CaseResult {
    let lease = held(engine, &TaskSpec::new("late"))?;
    engine.set_clock(2 * LEASE);
    engine.complete(&lease)?;
    equal("what is left to claim", all_payloads(engine)?, Vec::new())?;
    let stats = engine.stats("default")?;
    equal("completed and taken back", (stats.completed, stats.reclaimed), (1, 0))
}

fn a_lost_lease_completes_nothing(engine: Engine<'_>) -> CaseResult {
    let lost = held(engine, &TaskSpec::new("contended"))?;
    engine.set_clock(LEASE);
    let current = claim_one(engine)?;
    let before = engine.task(lost.task)?;
    refused("the late completion", engine.complete(&lost), Refusal::LeaseLost)?;
    equal("the task after it", engine.task(lost.task)?, before)?;
    engine.complete(&current)?;
    equal("completed", engine.stats("default")?.completed, 1)
}
