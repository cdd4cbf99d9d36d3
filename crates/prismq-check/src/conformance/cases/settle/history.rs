//! Keeping completed tasks.

use prismq::State;
use prismq::limits::HISTORY_MAX;

use crate::conformance::cases::{Engine, LEASE, SECOND, all_payloads, claim_one, held};
use crate::conformance::expect::{CaseResult, Mismatch, equal, holds, present, refused};
use crate::conformance::subject::{Refusal, TaskSpec};

crate::conformance::cases::cases!(
    a_queue_keeps_the_tasks_completed_last,
    a_kept_task_is_completed_and_cannot_be_claimed,
    a_smaller_history_drops_the_oldest_at_once,
    the_tasks_completed_last_are_kept_though_the_clock_was_set_back,
    a_lost_lease_keeps_nothing,
    a_history_out_of_bounds_is_refused,
);

/// Enqueues, claims and completes a task; returns its id.
fn completed(engine: Engine<'_>) -> Result<i64, Mismatch> {
    let lease = held(engine, &TaskSpec::new("kept"))?;
    engine.complete(&lease)?;
    Ok(lease.task)
}

/// Which of these tasks are stored.
fn stored(engine: Engine<'_>, ids: &[i64]) -> Result<Vec<bool>, Mismatch> {
    ids.iter().map(|id| Ok(engine.task(*id)?.is_some())).collect()
}

fn a_queue_keeps_the_tasks_completed_last(engine: Engine<'_>) -> CaseResult {
    engine.set_history("default", 2)?;
    let ids = [completed(engine)?, completed(engine)?, completed(engine)?, completed(engine)?];
    engine.reopen();
    equal("which are kept", stored(engine, &ids)?, vec![false, false, true, true])?;
    let stats = engine.stats("default")?;
    equal("kept, completed, leased", (stats.kept, stats.completed, stats.leased), (2, 4, 0))
}

fn a_kept_task_is_completed_and_cannot_be_claimed(engine: Engine<'_>) -> CaseResult {
    engine.set_history("default", 1)?;
    let lease = held(engine, &TaskSpec { priority: 9, ..TaskSpec::new("kept") })?;
    engine.complete(&lease)?;
    let task = present("the kept task", engine.task(lease.task)?)?;
    equal("its state and attempt", (task.state, task.attempt), (State::Completed, 1))?;
    equal("its priority", task.priority, 9)?;
    equal("its payload", task.payload.as_slice(), b"kept")?;
    equal("what can be claimed", all_payloads(engine)?, Vec::new())?;
    refused("a second completion", engine.complete(&lease), Refusal::LeaseLost)
}

fn a_smaller_history_drops_the_oldest_at_once(engine: Engine<'_>) -> CaseResult {
    engine.set_history("default", 5)?;
    let ids = [completed(engine)?, completed(engine)?, completed(engine)?];
    engine.set_history("default", 1)?;
    equal("which are kept", stored(engine, &ids)?, vec![false, false, true])?;
    engine.set_history("default", 0)?;
    equal("which are kept", stored(engine, &ids)?, vec![false; 3])?;
    equal("kept", engine.stats("default")?.kept, 0)
}

fn the_tasks_completed_last_are_kept_though_the_clock_was_set_back(
    engine: Engine<'_>,
) -> CaseResult {
    engine.set_history("default", 2)?;
    let before = [completed(engine)?, completed(engine)?];
    engine.set_clock(-3600 * SECOND);
    let after = [completed(engine)?, completed(engine)?];
    holds("those from before the step back are gone", !stored(engine, &before)?.contains(&true))?;
    holds("those from after it are kept", !stored(engine, &after)?.contains(&false))
}

fn a_lost_lease_keeps_nothing(engine: Engine<'_>) -> CaseResult {
    engine.set_history("default", 9)?;
    let lost = held(engine, &TaskSpec::new("contended"))?;
    engine.set_clock(LEASE);
    claim_one(engine)?;
    refused("the late completion", engine.complete(&lost), Refusal::LeaseLost)?;
    let task = present("the task", engine.task(lost.task)?)?;
    equal("its state", task.state, State::Leased)?;
    equal("kept", engine.stats("default")?.kept, 0)
}

fn a_history_out_of_bounds_is_refused(engine: Engine<'_>) -> CaseResult {
    let answer = engine.set_history("default", HISTORY_MAX + 1);
    refused("a long history", answer, Refusal::Invalid)?;
    Ok(engine.set_history("default", HISTORY_MAX)?)
}
