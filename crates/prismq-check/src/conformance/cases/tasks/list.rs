//! Listing and counting the tasks of a filter.

use std::time::Duration;

use prismq::State;

use crate::conformance::cases::{Engine, SECOND, claim_one, enqueue, held};
use crate::conformance::expect::{CaseResult, equal, refused};
use crate::conformance::subject::{Failure, FilterSpec, Refusal, TaskSpec};

crate::conformance::cases::cases!(
    tasks_are_found_by_their_state,
    tasks_are_found_by_queue_type_and_error,
    tasks_are_found_by_age,
    an_age_out_of_bounds_is_refused,
);

fn tasks_are_found_by_their_state(engine: Engine<'_>) -> CaseResult {
    engine.set_history("default", 1)?;
    let completed = held(engine, &TaskSpec::new("completed"))?;
    engine.complete(&completed)?;
    let dead = held(engine, &TaskSpec::new("dead"))?;
    engine.fail(&dead, &Failure::permanent("no"))?;
    let leased = held(engine, &TaskSpec::new("leased"))?;
    let delay = Duration::from_secs(3600);
    let scheduled = enqueue(engine, &TaskSpec { delay, ..TaskSpec::new("scheduled") })?;
    let ready = enqueue(engine, &TaskSpec::new("ready"))?;
    let all = [
        (State::Completed, completed.task),
        (State::Dead, dead.task),
        (State::Leased, leased.task),
        (State::Scheduled, scheduled),
        (State::Ready, ready),
    ];
    for (state, id) in all {
        equal(&format!("{state:?}"), engine.list(&FilterSpec::in_state(state))?, vec![id])?;
    }
    engine.reopen();
    let ids: Vec<i64> = all.iter().map(|(_, id)| *id).collect();
    equal("all", engine.list(&FilterSpec::default())?, ids)?;
    equal("cancelled", engine.list(&FilterSpec::in_state(State::Cancelled))?, Vec::new())
}

fn tasks_are_found_by_queue_type_and_error(engine: Engine<'_>) -> CaseResult {
    let of = |queue: &str, task_type: &str| TaskSpec {
        queue: queue.to_owned(),
        task_type: task_type.to_owned(),
        ..TaskSpec::default()
    };
    let mail = enqueue(engine, &of("default", "mail"))?;
    let job = enqueue(engine, &of("default", "job"))?;
    let other = enqueue(engine, &of("other", "job"))?;
    let failed = claim_one(engine)?;
    equal("the claimed task", failed.task, job)?;
    engine.fail(&failed, &Failure::retry("refused", Duration::from_secs(9)))?;
    let queue = |name: &str| FilterSpec { queue: Some(name.to_owned()), ..FilterSpec::default() };
    equal("a queue", engine.list(&queue("default"))?, vec![mail, job])?;
    equal("an unknown queue", engine.list(&queue("none"))?, Vec::new())?;
    let types = vec!["job".to_owned()];
    equal(
        "a type",
        engine.list(&FilterSpec { types, ..FilterSpec::default() })?,
        vec![job, other],
    )?;
    let error_contains = Some("fuse".to_owned());
    let filter = FilterSpec { error_contains, ..FilterSpec::default() };
    equal("an error", engine.list(&filter)?, vec![job])
}

fn tasks_are_found_by_age(engine: Engine<'_>) -> CaseResult {
    let old = enqueue(engine, &TaskSpec::new("old"))?;
    engine.set_clock(10 * SECOND);
    enqueue(engine, &TaskSpec::new("young"))?;
    let older = |seconds| FilterSpec {
        older_than: Some(Duration::from_secs(seconds)),
        ..FilterSpec::default()
    };
    equal("older than 10 s", engine.list(&older(10))?, vec![old])?;
    equal("older than 11 s", engine.list(&older(11))?, Vec::new())
}

fn an_age_out_of_bounds_is_refused(engine: Engine<'_>) -> CaseResult {
    let filter = FilterSpec { older_than: Some(Duration::MAX), ..FilterSpec::default() };
    refused("an endless age", engine.list(&filter), Refusal::Invalid)
}
