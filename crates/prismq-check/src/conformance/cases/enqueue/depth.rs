//! Depth limits of queues.

use crate::conformance::cases::{Engine, added, claim_one, enqueue};
use crate::conformance::expect::{CaseResult, equal, refused};
use crate::conformance::subject::{Change, Failure, Hold, Refusal, TaskSpec, UniqueSpec};

crate::conformance::cases::cases!(
    a_full_queue_refuses_a_task_until_one_ends,
    a_batch_that_does_not_fit_is_refused_whole,
    a_duplicate_needs_no_room,
    a_duplicate_needs_no_room_in_a_queue_beyond_its_limit,
    a_retry_needs_no_room,
    a_limit_is_of_one_queue_and_can_be_lifted,
);

fn refuses_one(engine: Engine<'_>) -> CaseResult {
    refused("one more task", engine.enqueue(&[TaskSpec::new("more")]), Refusal::QueueFull)
}

fn a_full_queue_refuses_a_task_until_one_ends(engine: Engine<'_>) -> CaseResult {
    engine.set_depth_limit("default", Some(1))?;
    enqueue(engine, &TaskSpec::new("a"))?;
    refuses_one(engine)?;
    let lease = claim_one(engine)?;
    refuses_one(engine)?;
    engine.complete(&lease)?;
    enqueue(engine, &TaskSpec::new("b"))?;
    let lease = claim_one(engine)?;
    engine.fail(&lease, &Failure::permanent("no"))?;
    enqueue(engine, &TaskSpec::new("c")).map(drop)
}

fn a_batch_that_does_not_fit_is_refused_whole(engine: Engine<'_>) -> CaseResult {
    engine.set_depth_limit("default", Some(2))?;
    enqueue(engine, &TaskSpec::new("a"))?;
    let two = [TaskSpec::new("b"), TaskSpec::new("c")];
    refused("a batch of two", engine.enqueue(&two), Refusal::QueueFull)?;
    equal("tasks enqueued", engine.stats("default")?.enqueued, 1)?;
    enqueue(engine, &TaskSpec::new("b")).map(drop)
}

fn a_duplicate_needs_no_room(engine: Engine<'_>) -> CaseResult {
    engine.set_depth_limit("default", Some(1))?;
    let unique = UniqueSpec { key: None, hold: Hold::UntilDone, change: Change::Keep };
    let task = TaskSpec { unique: Some(unique), ..TaskSpec::new("a") };
    let first = added(engine, &task)?;
    let again = added(engine, &task)?;
    equal("the task that holds the key", again.id(), first.id())?;
    refuses_one(engine)
}

fn a_duplicate_needs_no_room_in_a_queue_beyond_its_limit(engine: Engine<'_>) -> CaseResult {
    let unique = UniqueSpec { key: None, hold: Hold::UntilDone, change: Change::Keep };
    let task = TaskSpec { unique: Some(unique), ..TaskSpec::new("a") };
    let id = enqueue(engine, &task)?;
    enqueue(engine, &TaskSpec::new("b"))?;
    engine.set_depth_limit("default", Some(1))?;
    equal("what a duplicate is", enqueue(engine, &task)?, id)?;
    refuses_one(engine)
}

fn a_retry_needs_no_room(engine: Engine<'_>) -> CaseResult {
    engine.enqueue(&[TaskSpec::new("a"), TaskSpec::new("b")])?;
    let (first, second) = (claim_one(engine)?, claim_one(engine)?);
    engine.set_depth_limit("default", Some(1))?;
    engine.fail(&first, &Failure::retry("again", std::time::Duration::from_secs(1)))?;
    engine.release(&second)?;
    let stats = engine.stats("default")?;
    equal("scheduled and ready", (stats.scheduled, stats.ready), (1, 1))
}

fn a_limit_is_of_one_queue_and_can_be_lifted(engine: Engine<'_>) -> CaseResult {
    let zero = engine.set_depth_limit("default", Some(0));
    refused("a limit of none", zero, Refusal::Invalid)?;
    engine.set_depth_limit("default", Some(1))?;
    engine.reopen();
    enqueue(engine, &TaskSpec::new("a"))?;
    refuses_one(engine)?;
    enqueue(engine, &TaskSpec { queue: "other".to_owned(), ..TaskSpec::new("a") })?;
    engine.set_depth_limit("default", None)?;
    enqueue(engine, &TaskSpec::new("b")).map(drop)
}
