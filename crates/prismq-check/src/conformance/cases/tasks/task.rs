//! Looking a task up.

use std::time::Duration;

use prismq::State;

use crate::conformance::cases::{Engine, LEASE, SECOND, claim_one, enqueue};
use crate::conformance::expect::{CaseResult, equal, present};
use crate::conformance::subject::{StoredTask, TaskSpec};

crate::conformance::cases::cases!(
    an_id_that_was_never_given_is_no_task,
    a_task_is_stored_as_it_was_enqueued,
    times_are_shown_by_the_wall_clock_as_it_is_set_now,
);

fn an_id_that_was_never_given_is_no_task(engine: Engine<'_>) -> CaseResult {
    let id = enqueue(engine, &TaskSpec::default())?;
    equal("the next id", engine.task(id + 1)?, None)
}

fn a_task_is_stored_as_it_was_enqueued(engine: Engine<'_>) -> CaseResult {
    let task = TaskSpec {
        queue: "mail".to_owned(),
        task_type: "send".to_owned(),
        priority: -3,
        delay: Duration::from_secs(5),
        max_attempts: 7,
        requires: ["gpu", "eu"].map(str::to_owned).into(),
        payload: b"hello".to_vec(),
        ..TaskSpec::default()
    };
    let run_at = engine.now() + 5 * SECOND;
    let id = enqueue(engine, &task)?;
    engine.reopen();
    let expected = StoredTask {
        queue: "mail".to_owned(),
        task_type: "send".to_owned(),
        requirements: ["eu", "gpu"].map(str::to_owned).into(),
        state: State::Scheduled,
        priority: -3,
        attempt: 0,
        max_attempts: 7,
        run_at,
        lease_expires_at: None,
        error: None,
        payload: b"hello".to_vec(),
        attempts: Vec::new(),
        result: None,
    };
    equal("the task", engine.task(id)?, Some(expected))
}

fn times_are_shown_by_the_wall_clock_as_it_is_set_now(engine: Engine<'_>) -> CaseResult {
    enqueue(engine, &TaskSpec::new("leased"))?;
    let lease = claim_one(engine)?;
    let delay = Duration::from_secs(30);
    let id = enqueue(engine, &TaskSpec { delay, ..TaskSpec::new("delayed") })?;
    let (run_at, expires_at) = (engine.now() + 30 * SECOND, engine.now() + LEASE);
    engine.set_clock(-3600 * SECOND);
    let delayed = present("the delayed task", engine.task(id)?)?;
    equal("the due time after a step back", delayed.run_at, run_at - 3600 * SECOND)?;
    let leased = present("the leased task", engine.task(lease.task)?)?;
    let expected = Some(expires_at - 3600 * SECOND);
    equal("the end of the lease after a step back", leased.lease_expires_at, expected)
}
