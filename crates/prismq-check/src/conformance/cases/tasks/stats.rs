//! The counters of a queue.

use std::time::Duration;

use crate::conformance::cases::{Engine, LEASE, all_payloads, claim_one, enqueue};
use crate::conformance::expect::{CaseResult, equal};
use crate::conformance::subject::{Failure, Stats, TaskSpec};

crate::conformance::cases::cases!(
    a_queue_that_was_never_used_has_counters_of_zero,
    the_counters_follow_every_task_through_its_states,
    counters_are_of_one_queue_and_survive_a_restart,
);

fn a_queue_that_was_never_used_has_counters_of_zero(engine: Engine<'_>) -> CaseResult {
    equal("the counters", engine.stats("never used")?, Stats::default())
}

fn the_counters_follow_every_task_through_its_states(engine: Engine<'_>) -> CaseResult {
    engine.set_history("default", 1)?;
    engine.enqueue(&["completed", "dead", "leased", "ready"].map(TaskSpec::new))?;
    let delay = Duration::from_secs(3600);
    enqueue(engine, &TaskSpec { delay, ..TaskSpec::new("scheduled") })?;
    let (completed, dead) = (claim_one(engine)?, claim_one(engine)?);
    engine.complete(&completed)?;
    engine.fail(&dead, &Failure::permanent("no"))?;
    claim_one(engine)?;
    let expected = Stats {
        ready: 1,
        scheduled: 1,
        leased: 1,
        dead: 1,
        kept: 1,
        paused: false,
        enqueued: 5,
        completed: 1,
        failed: 1,
        ..Stats::default()
    };
    equal("the counters", engine.stats("default")?, expected)?;
    engine.set_clock(LEASE);
    equal("an expired lease that no claim took back", engine.stats("default")?, expected)?;
    all_payloads(engine)?;
    let expected = Stats { ready: 0, leased: 2, reclaimed: 1, ..expected };
    equal("the counters after a claim", engine.stats("default")?, expected)
}

fn counters_are_of_one_queue_and_survive_a_restart(engine: Engine<'_>) -> CaseResult {
    enqueue(engine, &TaskSpec { queue: "other".to_owned(), ..TaskSpec::new("a") })?;
    engine.reopen();
    let expected = Stats { ready: 1, enqueued: 1, ..Stats::default() };
    equal("the other queue", engine.stats("other")?, expected)?;
    equal("the default queue", engine.stats("default")?, Stats::default())
}
