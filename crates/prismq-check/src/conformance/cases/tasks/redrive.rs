//! Putting dead tasks back.

use std::time::Duration;

use prismq::{Order, State};

use crate::conformance::cases::{Engine, LEASE, SECOND, all_payloads, claim_one, enqueue, held};
use crate::conformance::expect::{CaseResult, Mismatch, equal, holds, present};
use crate::conformance::subject::{Failure, FilterSpec, TaskSpec};

crate::conformance::cases::cases!(
    a_dead_task_is_put_back_with_all_its_attempts,
    attempts_that_are_kept_leave_one,
    only_dead_tasks_of_the_filter_are_put_back,
    a_redriven_task_takes_its_place_in_the_order_of_now,
    tasks_are_put_back_by_how_long_ago_they_died,
);

/// A task that has died of this error after all its attempts.
fn dead(engine: Engine<'_>, payload: &str, error: &str) -> Result<i64, Mismatch> {
    let lease = held(engine, &TaskSpec { max_attempts: 1, ..TaskSpec::new(payload) })?;
    engine.fail(&lease, &Failure::retry(error, Duration::ZERO))?;
    Ok(lease.task)
}

fn a_dead_task_is_put_back_with_all_its_attempts(engine: Engine<'_>) -> CaseResult {
    let id = dead(engine, "dead", "no")?;
    equal("how many", engine.redrive(&FilterSpec::default(), false)?, 1)?;
    engine.reopen();
    let task = present("the task", engine.task(id)?)?;
    equal("its state and attempts", (task.state, task.attempt), (State::Ready, 0))?;
    equal("its error", task.error.as_deref(), Some("no"))?;
    let lease = claim_one(engine)?;
    equal("the lease", (lease.task, lease.attempt), (id, 1))?;
    holds("the redrive raised the token, and so did the claims", lease.token > 2)?;
    let stats = engine.stats("default")?;
    equal("dead, leased, enqueued", (stats.dead, stats.leased, stats.enqueued), (0, 1, 1))
}

fn attempts_that_are_kept_leave_one(engine: Engine<'_>) -> CaseResult {
    dead(engine, "dead", "no")?;
    equal("how many", engine.redrive(&FilterSpec::default(), true)?, 1)?;
    let lease = claim_one(engine)?;
    equal("attempts", (lease.attempt, lease.max_attempts), (2, 2))
}

fn only_dead_tasks_of_the_filter_are_put_back(engine: Engine<'_>) -> CaseResult {
    dead(engine, "refused", "connection refused")?;
    dead(engine, "full", "disk full")?;
    let error_contains = Some("refused".to_owned());
    let filter = FilterSpec { error_contains, ..FilterSpec::default() };
    equal("how many", engine.redrive(&filter, false)?, 1)?;
    equal("those of a state", engine.redrive(&FilterSpec::in_state(State::Ready), false)?, 0)?;
    equal("what can be claimed", all_payloads(engine)?, vec!["refused".to_owned()])
}

fn a_redriven_task_takes_its_place_in_the_order_of_now(engine: Engine<'_>) -> CaseResult {
    dead(engine, "first", "no")?;
    dead(engine, "second", "no")?;
    // Dead tasks do not count.
    engine.set_order("default", Order::LastInFirstOut)?;
    engine.redrive(&FilterSpec::default(), false)?;
    enqueue(engine, &TaskSpec::new("third"))?;
    let expected = ["third", "second", "first"].map(str::to_owned);
    equal("the order", all_payloads(engine)?, expected.into())
}

fn tasks_are_put_back_by_how_long_ago_they_died(engine: Engine<'_>) -> CaseResult {
    dead(engine, "early", "no")?;
    engine.set_clock(5 * SECOND);
    // It dies with its lease.
    held(engine, &TaskSpec { max_attempts: 1, ..TaskSpec::new("late") })?;
    engine.set_clock(LEASE);
    equal("what can be claimed", all_payloads(engine)?, Vec::new())?;
    let older_than = Some(Duration::from_secs(5));
    let filter = FilterSpec { older_than, ..FilterSpec::default() };
    equal("how many", engine.redrive(&filter, false)?, 1)?;
    equal("what can be claimed", all_payloads(engine)?, vec!["early".to_owned()])
}
