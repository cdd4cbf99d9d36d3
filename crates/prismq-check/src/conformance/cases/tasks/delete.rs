//! Deleting the tasks of a filter.

use prismq::State;

use crate::conformance::cases::{Engine, claim_one, enqueue, held};
use crate::conformance::expect::{CaseResult, equal, refused};
use crate::conformance::subject::{Failure, FilterSpec, Refusal, TaskSpec};

crate::conformance::cases::cases!(
    all_but_running_tasks_are_deleted,
    only_the_tasks_of_the_filter_are_deleted,
    a_kept_task_is_deleted_and_stays_counted_as_completed,
    a_filter_out_of_bounds_is_refused,
);

fn all_but_running_tasks_are_deleted(engine: Engine<'_>) -> CaseResult {
    let dead = held(engine, &TaskSpec::new("dead"))?;
    engine.fail(&dead, &Failure::permanent("no"))?;
    let running = held(engine, &TaskSpec::new("running"))?;
    let ready = enqueue(engine, &TaskSpec::new("ready"))?;
    equal("how many", engine.delete(&FilterSpec::default())?, 2)?;
    equal("the dead one", engine.task(dead.task)?, None)?;
    equal("the ready one", engine.task(ready)?, None)?;
    let stats = engine.stats("default")?;
    equal("deleted, leased", (stats.deleted, stats.leased), (2, 1))?;
    engine.complete(&running).map_err(Into::into)
}

fn only_the_tasks_of_the_filter_are_deleted(engine: Engine<'_>) -> CaseResult {
    for queue in ["first", "second"] {
        for task_type in ["mail", "sms"] {
            let (queue, task_type) = (queue.to_owned(), task_type.to_owned());
            enqueue(engine, &TaskSpec { queue, task_type, ..TaskSpec::default() })?;
        }
    }
    let filter = FilterSpec {
        queue: Some("second".to_owned()),
        types: vec!["sms".to_owned()],
        ..FilterSpec::default()
    };
    equal("how many", engine.delete(&filter)?, 1)?;
    equal("the first queue", engine.stats("first")?.ready, 2)?;
    equal("the second queue", engine.stats("second")?.ready, 1)
}

fn a_kept_task_is_deleted_and_stays_counted_as_completed(engine: Engine<'_>) -> CaseResult {
    engine.set_history("default", 9)?;
    enqueue(engine, &TaskSpec::new("kept"))?;
    let lease = claim_one(engine)?;
    engine.complete(&lease)?;
    equal("how many", engine.delete(&FilterSpec::in_state(State::Completed))?, 1)?;
    equal("the task", engine.task(lease.task)?, None)?;
    let stats = engine.stats("default")?;
    equal("kept, completed, deleted", (stats.kept, stats.completed, stats.deleted), (0, 1, 0))
}

fn a_filter_out_of_bounds_is_refused(engine: Engine<'_>) -> CaseResult {
    let filter = FilterSpec { queue: Some(String::new()), ..FilterSpec::default() };
    refused("no name", engine.delete(&filter), Refusal::Invalid)
}
