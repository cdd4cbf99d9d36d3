//! The order in which a queue gives its tasks.

use std::time::Duration;

use prismq::Order;
use prismq::limits::AGEING_STEP_MAX;

use crate::conformance::cases::{Engine, SECOND, all_payloads, claim_one, enqueue, payloads};
use crate::conformance::expect::{CaseResult, Mismatch, equal, refused};
use crate::conformance::subject::{ClaimSpec, Failure, Refusal, TaskSpec};

crate::conformance::cases::cases!(
    lower_priority_numbers_first_then_first_in_first_out,
    first_in_first_out,
    last_in_first_out,
    ageing_lets_a_task_overtake_those_a_step_older_for_each_priority_number,
    weighted_random_loses_no_task,
    a_retried_task_keeps_its_place,
    the_order_of_a_queue_with_tasks_cannot_be_changed,
    the_order_survives_a_restart_and_is_of_one_queue,
    an_ageing_step_out_of_bounds_is_refused,
);

/// What a queue of this order gives of three tasks, enqueued 10 s apart with the priorities 5, 1 and 3.
fn given(engine: Engine<'_>, order: Order) -> Result<String, Mismatch> {
    engine.set_order("default", order)?;
    for (payload, priority) in [("a", 5), ("b", 1), ("c", 3)] {
        enqueue(engine, &TaskSpec { priority, ..TaskSpec::new(payload) })?;
        engine.set_clock(10 * SECOND);
    }
    Ok(all_payloads(engine)?.concat())
}

fn lower_priority_numbers_first_then_first_in_first_out(engine: Engine<'_>) -> CaseResult {
    let tasks = [("a", 2), ("b", 1), ("c", 2), ("d", -5), ("e", 1)];
    engine.enqueue(
        &tasks.map(|(payload, priority)| TaskSpec { priority, ..TaskSpec::new(payload) }),
    )?;
    equal("the order", all_payloads(engine)?.concat(), "dbeac".to_owned())
}

fn first_in_first_out(engine: Engine<'_>) -> CaseResult {
    equal("the order", given(engine, Order::FirstInFirstOut)?, "abc".to_owned())
}

fn last_in_first_out(engine: Engine<'_>) -> CaseResult {
    equal("the order", given(engine, Order::LastInFirstOut)?, "cba".to_owned())
}

fn ageing_lets_a_task_overtake_those_a_step_older_for_each_priority_number(
    engine: Engine<'_>,
) -> CaseResult {
    // A priority number is worth less than the 10 s between two tasks; then about half of them; then more.
    for (seconds, expected) in [(1, "abc"), (4, "bac"), (20, "bca")] {
        let order = Order::Ageing { step: Duration::from_secs(seconds) };
        equal(&format!("by steps of {seconds} s"), given(engine, order)?, expected.to_owned())?;
        complete_all(engine)?;
    }
    Ok(())
}

/// Empties the default queue, whose leases have expired.
fn complete_all(engine: Engine<'_>) -> CaseResult {
    engine.set_clock(1000 * SECOND);
    let ready = engine.stats("default")?;
    for _ in 0..ready.leased + ready.ready {
        let lease = claim_one(engine)?;
        engine.complete(&lease)?;
    }
    Ok(())
}

fn weighted_random_loses_no_task(engine: Engine<'_>) -> CaseResult {
    let mut letters: Vec<char> = given(engine, Order::WeightedRandom)?.chars().collect();
    letters.sort_unstable();
    equal("the tasks, sorted", letters, vec!['a', 'b', 'c'])
}

fn a_retried_task_keeps_its_place(engine: Engine<'_>) -> CaseResult {
    engine.enqueue(&["a", "b"].map(TaskSpec::new))?;
    let first = claim_one(engine)?;
    engine.fail(&first, &Failure::retry("no", Duration::from_secs(1)))?;
    enqueue(engine, &TaskSpec::new("c"))?;
    engine.set_clock(SECOND);
    equal("the order", all_payloads(engine)?.concat(), "abc".to_owned())
}

fn the_order_of_a_queue_with_tasks_cannot_be_changed(engine: Engine<'_>) -> CaseResult {
    enqueue(engine, &TaskSpec::new("a"))?;
    let answer = engine.set_order("default", Order::LastInFirstOut);
    refused("another order", answer, Refusal::NotEmpty)?;
    engine.set_order("default", Order::Priority)?;
    let lease = claim_one(engine)?;
    engine.complete(&lease)?;
    engine.set_order("default", Order::LastInFirstOut)?;
    engine.enqueue(&["b", "c"].map(TaskSpec::new))?;
    equal("the new order", all_payloads(engine)?.concat(), "cb".to_owned())
}

fn the_order_survives_a_restart_and_is_of_one_queue(engine: Engine<'_>) -> CaseResult {
    engine.set_order("other", Order::LastInFirstOut)?;
    engine.reopen();
    for queue in ["default", "other"] {
        let task = |payload| TaskSpec { queue: queue.to_owned(), ..TaskSpec::new(payload) };
        engine.enqueue(&["a", "b"].map(task))?;
    }
    let other = ClaimSpec { queue: "other".to_owned(), ..ClaimSpec::default() };
    equal("the other queue", payloads(engine, &other)?.concat(), "ba".to_owned())?;
    equal("the default queue", all_payloads(engine)?.concat(), "ab".to_owned())
}

fn an_ageing_step_out_of_bounds_is_refused(engine: Engine<'_>) -> CaseResult {
    let step = AGEING_STEP_MAX + Duration::from_micros(1);
    refused("a long step", engine.set_order("default", Order::Ageing { step }), Refusal::Invalid)?;
    Ok(engine.set_order("default", Order::Ageing { step: AGEING_STEP_MAX })?)
}
