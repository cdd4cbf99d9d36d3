//! Adding tasks.

use std::time::Duration;

use prismq::limits::{ATTEMPTS_MAX, DELAY_MAX, NAME_BYTES_MAX, PRIORITY_MAX, PRIORITY_MIN};
use prismq::{Enqueued, State};

use crate::conformance::cases::{Engine, SECOND, all_payloads, claim_one, enqueue};
use crate::conformance::expect::{CaseResult, equal, holds, present, refused};
use crate::conformance::subject::{Refusal, TaskSpec};

crate::conformance::cases::cases!(
    ids_rise_and_are_never_used_again,
    a_batch_is_added_whole_or_not_at_all,
    an_empty_batch_adds_nothing,
    a_payload_comes_back_as_it_was,
    a_delayed_task_is_given_when_it_is_due_and_not_before,
    a_value_out_of_bounds_is_refused_and_nothing_is_added,
);

fn ids_rise_and_are_never_used_again(engine: Engine<'_>) -> CaseResult {
    let mut last = enqueue(engine, &TaskSpec::new("first"))?;
    for round in 0..3 {
        let lease = claim_one(engine)?;
        engine.complete(&lease)?;
        if round == 1 {
            engine.reopen();
        }
        let id = enqueue(engine, &TaskSpec::new("next"))?;
        holds("an id is higher than every earlier one", id > last)?;
        last = id;
    }
    Ok(())
}

fn a_batch_is_added_whole_or_not_at_all(engine: Engine<'_>) -> CaseResult {
    let wrong = TaskSpec { max_attempts: 0, ..TaskSpec::new("wrong") };
    let answer = engine.enqueue(&[TaskSpec::new("right"), wrong]);
    refused("a batch with a task out of bounds", answer, Refusal::Invalid)?;
    equal("tasks enqueued by a refused batch", engine.stats("default")?.enqueued, 0)?;
    let added = engine.enqueue(&[TaskSpec::new("a"), TaskSpec::new("b"), TaskSpec::new("c")])?;
    let ids: Vec<_> = added.into_iter().map(Enqueued::id).collect();
    holds("a batch's ids rise in its order", ids.len() == 3 && ids.is_sorted())?;
    equal(
        "tasks of a batch, in order",
        all_payloads(engine)?,
        ["a", "b", "c"].map(str::to_owned).into(),
    )
}

fn an_empty_batch_adds_nothing(engine: Engine<'_>) -> CaseResult {
    equal("ids of an empty batch", engine.enqueue(&[])?, Vec::new())?;
    equal("tasks enqueued", engine.stats("default")?.enqueued, 0)
}

fn a_payload_comes_back_as_it_was(engine: Engine<'_>) -> CaseResult {
    let all_bytes: Vec<u8> = (0..=u8::MAX).collect();
    for payload in [Vec::new(), all_bytes.clone(), all_bytes.repeat(40)] {
        let id = enqueue(engine, &TaskSpec { payload: payload.clone(), ..TaskSpec::default() })?;
        let stored = present("the task", engine.task(id)?)?;
        holds("the stored payload is the one enqueued", stored.payload == payload)?;
        let lease = claim_one(engine)?;
        holds("the claimed payload is the one enqueued", lease.payload == payload)?;
        engine.complete(&lease)?;
    }
    Ok(())
}

fn a_delayed_task_is_given_when_it_is_due_and_not_before(engine: Engine<'_>) -> CaseResult {
    let due = engine.now() + 30 * SECOND;
    let delay = Duration::from_secs(30);
    let delayed = TaskSpec { delay, priority: 0, ..TaskSpec::new("delayed") };
    let id = enqueue(engine, &delayed)?;
    enqueue(engine, &TaskSpec::new("ready"))?;
    let stored = present("the delayed task", engine.task(id)?)?;
    equal("state and due time", (stored.state, stored.run_at), (State::Scheduled, due))?;
    equal("what is given before it is due", all_payloads(engine)?, vec!["ready".to_owned()])?;
    engine.set_clock(30 * SECOND - 1);
    equal("what is given a microsecond before it is due", all_payloads(engine)?, Vec::new())?;
    engine.set_clock(1);
    equal("what is given once it is due", all_payloads(engine)?, vec!["delayed".to_owned()])
}

fn a_value_out_of_bounds_is_refused_and_nothing_is_added(engine: Engine<'_>) -> CaseResult {
    let long = |bytes: usize| "x".repeat(bytes);
    let task = TaskSpec::default;
    let wrong = [
        TaskSpec { max_attempts: 0, ..task() },
        TaskSpec { max_attempts: ATTEMPTS_MAX + 1, ..task() },
        TaskSpec { priority: PRIORITY_MAX + 1, ..task() },
        TaskSpec { priority: PRIORITY_MIN - 1, ..task() },
        TaskSpec { delay: DELAY_MAX + Duration::from_micros(1), ..task() },
        TaskSpec { task_type: String::new(), ..task() },
        TaskSpec { task_type: long(NAME_BYTES_MAX + 1), ..task() },
        TaskSpec { queue: String::new(), ..task() },
        TaskSpec { queue: long(NAME_BYTES_MAX + 1), ..task() },
        TaskSpec { queue: "a\nb".to_owned(), ..task() },
    ];
    for task in wrong {
        let answer = engine.enqueue(std::slice::from_ref(&task));
        refused(&format!("{task:?}"), answer, Refusal::Invalid)?;
    }
    let edges = [
        TaskSpec { max_attempts: ATTEMPTS_MAX, ..task() },
        TaskSpec { priority: PRIORITY_MAX, ..task() },
        TaskSpec { priority: PRIORITY_MIN, ..task() },
        TaskSpec { delay: DELAY_MAX, ..task() },
        TaskSpec { task_type: long(NAME_BYTES_MAX), ..task() },
    ];
    let count = edges.len() as u64;
    engine.enqueue(&edges)?;
    equal("tasks enqueued", engine.stats("default")?.enqueued, count)
}
