//! Pausing and resuming a queue.

use std::time::Duration;

use crate::conformance::cases::{Engine, SECOND, all_payloads, enqueue, held, payloads};
use crate::conformance::expect::{CaseResult, equal};
use crate::conformance::subject::{ClaimSpec, TaskSpec};

crate::conformance::cases::cases!(
    a_paused_queue_gives_nothing_until_it_is_resumed,
    a_pause_is_of_one_queue_and_survives_a_restart,
    a_task_claimed_before_the_pause_can_be_completed,
    a_task_that_falls_due_in_a_paused_queue_waits,
);

fn a_paused_queue_gives_nothing_until_it_is_resumed(engine: Engine<'_>) -> CaseResult {
    enqueue(engine, &TaskSpec::new("a"))?;
    engine.set_paused("default", true)?;
    enqueue(engine, &TaskSpec::new("b"))?;
    equal("a claim while paused", all_payloads(engine)?, Vec::new())?;
    let stats = engine.stats("default")?;
    equal("paused and ready", (stats.paused, stats.ready), (true, 2))?;
    engine.set_paused("default", false)?;
    equal("paused", engine.stats("default")?.paused, false)?;
    equal("a claim once resumed", all_payloads(engine)?.concat(), "ab".to_owned())
}

fn a_pause_is_of_one_queue_and_survives_a_restart(engine: Engine<'_>) -> CaseResult {
    let other = || "other".to_owned();
    engine.enqueue(&[TaskSpec::new("a"), TaskSpec { queue: other(), ..TaskSpec::new("b") }])?;
    engine.set_paused("default", true)?;
    engine.reopen();
    equal("the paused queue", all_payloads(engine)?, Vec::new())?;
    let claim = ClaimSpec { queue: other(), ..ClaimSpec::default() };
    equal("the other queue", payloads(engine, &claim)?, vec!["b".to_owned()])
}

fn a_task_claimed_before_the_pause_can_be_completed(engine: Engine<'_>) -> CaseResult {
    let lease = held(engine, &TaskSpec::new("running"))?;
    engine.set_paused("default", true)?;
    engine.complete(&lease)?;
    equal("completed", engine.stats("default")?.completed, 1)
}

fn a_task_that_falls_due_in_a_paused_queue_waits(engine: Engine<'_>) -> CaseResult {
    engine.set_paused("default", true)?;
    enqueue(engine, &TaskSpec { delay: Duration::from_secs(1), ..TaskSpec::new("delayed") })?;
    engine.set_clock(2 * SECOND);
    equal("a claim while paused", all_payloads(engine)?, Vec::new())?;
    engine.set_paused("default", false)?;
    equal("a claim once resumed", all_payloads(engine)?, vec!["delayed".to_owned()])
}
