//! Unique tasks.

use std::time::Duration;

use prismq::{Enqueued, State};

use crate::conformance::cases::{Engine, SECOND, added, all_payloads, claim_one};
use crate::conformance::expect::{CaseResult, equal, holds, present, refused};
use crate::conformance::subject::{Change, Failure, Hold, Refusal, TaskSpec, UniqueSpec};

crate::conformance::cases::cases!(
    a_key_is_held_until_its_task_is_done,
    a_key_held_while_waiting_is_free_once_the_task_is_claimed,
    a_key_held_for_a_period_is_free_at_its_end_and_not_before,
    a_payload_is_a_key_of_its_own,
    a_key_belongs_to_one_type_in_every_queue,
    a_waiting_task_is_replaced_and_a_running_one_is_not,
    a_waiting_task_is_pushed_back,
    keys_survive_a_restart,
    a_batch_adds_what_is_no_duplicate,
    a_key_out_of_bounds_is_refused,
);

fn rule(hold: Hold, change: Change) -> UniqueSpec {
    UniqueSpec { key: Some("key".to_owned()), hold, change }
}

fn keyed(payload: &str, hold: Hold) -> TaskSpec {
    TaskSpec { unique: Some(rule(hold, Change::Keep)), ..TaskSpec::new(payload) }
}

fn a_key_is_held_until_its_task_is_done(engine: Engine<'_>) -> CaseResult {
    let task = keyed("a", Hold::UntilDone);
    for end in ["completed", "dead"] {
        let first = added(engine, &task)?;
        holds("a task with a free key is added", first.is_new())?;
        let again = added(engine, &task)?;
        equal("the same while it waits", again, Enqueued::Duplicate(first.id()))?;
        let lease = claim_one(engine)?;
        let other = added(engine, &keyed("b", Hold::UntilDone))?;
        equal("another payload while it runs", other, Enqueued::Conflict(first.id()))?;
        match end {
            "dead" => drop(engine.fail(&lease, &Failure::permanent("no"))?),
            _ => engine.complete(&lease)?,
        }
    }
    holds("the key of a dead task is free", added(engine, &task)?.is_new())?;
    equal("tasks enqueued", engine.stats("default")?.enqueued, 3)
}

fn a_key_held_while_waiting_is_free_once_the_task_is_claimed(engine: Engine<'_>) -> CaseResult {
    let task = keyed("a", Hold::WhileWaiting);
    let first = added(engine, &task)?;
    equal("the same while it waits", added(engine, &task)?, Enqueued::Duplicate(first.id()))?;
    let lease = claim_one(engine)?;
    engine.release(&lease)?;
    equal("the same once released", added(engine, &task)?, Enqueued::Duplicate(first.id()))?;
    claim_one(engine)?;
    holds("the same while it runs is added", added(engine, &task)?.is_new())
}

fn a_key_held_for_a_period_is_free_at_its_end_and_not_before(engine: Engine<'_>) -> CaseResult {
    let task = keyed("a", Hold::Period(Duration::from_secs(100)));
    let first = added(engine, &task)?;
    let lease = claim_one(engine)?;
    engine.complete(&lease)?;
    engine.set_clock(100 * SECOND - 1);
    let again = added(engine, &task)?;
    equal("the same at the end of the period", again, Enqueued::Duplicate(first.id()))?;
    engine.set_clock(1);
    holds("the same after the period is added", added(engine, &task)?.is_new())
}

fn a_payload_is_a_key_of_its_own(engine: Engine<'_>) -> CaseResult {
    let unique = UniqueSpec { key: None, ..rule(Hold::UntilDone, Change::Keep) };
    let task = |payload: &str| TaskSpec { unique: Some(unique.clone()), ..TaskSpec::new(payload) };
    let first = added(engine, &task("a"))?;
    equal("the same payload", added(engine, &task("a"))?, Enqueued::Duplicate(first.id()))?;
    holds("another payload is added", added(engine, &task("b"))?.is_new())?;
    holds("a key is no payload", added(engine, &keyed("a", Hold::UntilDone))?.is_new())
}

fn a_key_belongs_to_one_type_in_every_queue(engine: Engine<'_>) -> CaseResult {
    let first = added(engine, &keyed("a", Hold::UntilDone))?;
    let elsewhere = TaskSpec { queue: "other".to_owned(), ..keyed("a", Hold::UntilDone) };
    equal("in another queue", added(engine, &elsewhere)?, Enqueued::Duplicate(first.id()))?;
    let other = TaskSpec { task_type: "other".to_owned(), ..keyed("a", Hold::UntilDone) };
    holds("another type is added", added(engine, &other)?.is_new())
}

fn a_waiting_task_is_replaced_and_a_running_one_is_not(engine: Engine<'_>) -> CaseResult {
    let replace = |payload: &str| {
        let unique = Some(rule(Hold::UntilDone, Change::Replace));
        TaskSpec { unique, ..TaskSpec::new(payload) }
    };
    let first = added(engine, &replace("a"))?;
    added(engine, &TaskSpec::new("other"))?;
    let delay = Duration::from_secs(30);
    let next = TaskSpec { delay, priority: 1, max_attempts: 1, ..replace("b") };
    equal("the answer", added(engine, &next)?, Enqueued::Updated(first.id()))?;
    let stored = present("the replaced task", engine.task(first.id().as_i64())?)?;
    let (state, priority, attempts) = (stored.state, stored.priority, stored.max_attempts);
    equal("what is stored", (state, priority, attempts), (State::Scheduled, 1, 5))?;
    engine.set_clock(30 * SECOND);
    let expected = vec!["b".to_owned(), "other".to_owned()];
    equal("what is given, in order", all_payloads(engine)?, expected)?;
    equal(
        "the same while it runs",
        added(engine, &replace("b"))?,
        Enqueued::Duplicate(first.id()),
    )?;
    equal("another while it runs", added(engine, &replace("c"))?, Enqueued::Conflict(first.id()))
}

fn a_waiting_task_is_pushed_back(engine: Engine<'_>) -> CaseResult {
    let push = |payload: &str| TaskSpec {
        unique: Some(rule(Hold::UntilDone, Change::PushBack)),
        delay: Duration::from_secs(30),
        ..TaskSpec::new(payload)
    };
    let first = added(engine, &push("a"))?;
    engine.set_clock(20 * SECOND);
    equal("the answer", added(engine, &push("b"))?, Enqueued::Updated(first.id()))?;
    engine.set_clock(20 * SECOND);
    equal("what is due after its first delay", all_payloads(engine)?, Vec::new())?;
    engine.set_clock(10 * SECOND);
    equal("what is due in the end", all_payloads(engine)?, vec!["a".to_owned()])
}

fn keys_survive_a_restart(engine: Engine<'_>) -> CaseResult {
    let task = keyed("a", Hold::Period(Duration::from_secs(100)));
    let first = added(engine, &task)?;
    let lease = claim_one(engine)?;
    engine.complete(&lease)?;
    engine.reopen();
    equal("the same after a restart", added(engine, &task)?, Enqueued::Duplicate(first.id()))
}

fn a_batch_adds_what_is_no_duplicate(engine: Engine<'_>) -> CaseResult {
    let keyed = |payload| keyed(payload, Hold::UntilDone);
    let batch = [keyed("a"), TaskSpec::new("b"), keyed("a"), keyed("c")];
    let answers = engine.enqueue(&batch)?;
    let new: Vec<bool> = answers.iter().map(|answer| answer.is_new()).collect();
    equal("what is new", new, vec![true, true, false, false])?;
    equal("what is stored", all_payloads(engine)?.concat(), "ab".to_owned())
}

fn a_key_out_of_bounds_is_refused(engine: Engine<'_>) -> CaseResult {
    let with = |key: &str, hold| {
        let unique = UniqueSpec { key: Some(key.to_owned()), ..rule(hold, Change::Keep) };
        TaskSpec { unique: Some(unique), ..TaskSpec::new("a") }
    };
    let wrong = [
        with("", Hold::UntilDone),
        with(&"k".repeat(257), Hold::UntilDone),
        with("a\nb", Hold::UntilDone),
        with("a", Hold::Period(Duration::ZERO)),
    ];
    for task in wrong {
        let answer = engine.enqueue(std::slice::from_ref(&task));
        refused(&format!("{task:?}"), answer, Refusal::Invalid)?;
    }
    equal("tasks enqueued", engine.stats("default")?.enqueued, 0)
}
