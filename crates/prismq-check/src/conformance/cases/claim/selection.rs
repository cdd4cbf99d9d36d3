//! Claiming tasks under a lease.

use std::time::Duration;

use prismq::State;
use prismq::limits::{CLAIM_BATCH_MAX, LEASE_MAX, LEASE_MIN};

use crate::conformance::cases::{Engine, LEASE, all_payloads, claim_one, enqueue, held, payloads};
use crate::conformance::expect::{CaseResult, equal, holds, present, refused};
use crate::conformance::subject::{ClaimSpec, Refusal, TaskSpec};

crate::conformance::cases::cases!(
    a_claimed_task_is_held_by_one_lease,
    a_claim_gives_at_most_what_it_asks_for,
    a_claim_gives_the_named_types_of_one_queue_in_one_order,
    a_lease_carries_its_task_and_its_end,
    an_expired_lease_is_taken_back_by_the_next_claim_under_a_higher_token,
    a_claim_of_another_queue_takes_an_expired_lease_back,
    an_expired_lease_of_the_last_attempt_makes_its_task_dead,
    leases_survive_a_restart,
    a_clock_that_is_set_back_ends_no_lease,
    a_claim_out_of_bounds_is_refused,
);

fn a_claimed_task_is_held_by_one_lease(engine: Engine<'_>) -> CaseResult {
    let id = enqueue(engine, &TaskSpec::new("once"))?;
    equal("the first claim", all_payloads(engine)?, vec!["once".to_owned()])?;
    equal("a second claim", all_payloads(engine)?, Vec::new())?;
    let stored = present("the task", engine.task(id)?)?;
    equal("its state", (stored.state, stored.attempt), (State::Leased, 1))
}

fn a_claim_gives_at_most_what_it_asks_for(engine: Engine<'_>) -> CaseResult {
    engine.enqueue(&["a", "b", "c"].map(TaskSpec::new))?;
    let two = ClaimSpec { max: 2, ..ClaimSpec::default() };
    equal("a claim of two", payloads(engine, &two)?, ["a", "b"].map(str::to_owned).into())?;
    equal("the next", payloads(engine, &two)?, vec!["c".to_owned()])
}

fn a_claim_gives_the_named_types_of_one_queue_in_one_order(engine: Engine<'_>) -> CaseResult {
    let task = |payload, task_type: &str, queue: &str, priority| TaskSpec {
        task_type: task_type.to_owned(),
        queue: queue.to_owned(),
        priority,
        ..TaskSpec::new(payload)
    };
    engine.enqueue(&[
        task("a", "mail", "default", 3),
        task("b", "job", "default", 1),
        task("c", "mail", "default", 1),
        task("other type", "print", "default", 0),
        task("other queue", "mail", "other", 0),
        task("d", "job", "default", 2),
    ])?;
    let types = ["job", "mail"].map(str::to_owned).into();
    let claim = ClaimSpec { types, ..ClaimSpec::default() };
    let expected = ["b", "c", "d", "a"].map(str::to_owned).into();
    equal("two types of one queue", payloads(engine, &claim)?, expected)
}

fn a_lease_carries_its_task_and_its_end(engine: Engine<'_>) -> CaseResult {
    let task = TaskSpec { priority: 7, max_attempts: 3, ..TaskSpec::new("payload") };
    let id = enqueue(engine, &task)?;
    let expires_at = engine.now() + LEASE;
    let lease = claim_one(engine)?;
    equal("id and attempt", (lease.task, lease.attempt), (id, 1))?;
    equal("priority and attempts", (lease.priority, lease.max_attempts), (7, 3))?;
    equal("type", lease.task_type.as_str(), "job")?;
    equal("end of the lease", lease.expires_at, expires_at)?;
    let stored = present("the task", engine.task(id)?)?;
    equal("the stored end of the lease", stored.lease_expires_at, Some(expires_at))
}

fn an_expired_lease_is_taken_back_by_the_next_claim_under_a_higher_token(
    engine: Engine<'_>,
) -> CaseResult {
    let first = held(engine, &TaskSpec::new("retried"))?;
    engine.set_clock(LEASE - 1);
    equal("a claim before the expiry", all_payloads(engine)?, Vec::new())?;
    engine.set_clock(1);
    let second = claim_one(engine)?;
    equal("the task and its attempt", (second.task, second.attempt), (first.task, 2))?;
    holds("the token is higher", second.token > first.token)?;
    equal("leases taken back", engine.stats("default")?.reclaimed, 1)
}

fn a_claim_of_another_queue_takes_an_expired_lease_back(engine: Engine<'_>) -> CaseResult {
    let late = held(engine, &TaskSpec::new("late"))?;
    engine.set_clock(LEASE);
    let other = ClaimSpec { queue: "other".to_owned(), ..ClaimSpec::default() };
    equal("the other queue's claim", payloads(engine, &other)?, Vec::new())?;
    refused("the late completion", engine.complete(&late), Refusal::LeaseLost)?;
    equal("the next attempt", claim_one(engine)?.attempt, 2)
}

fn an_expired_lease_of_the_last_attempt_makes_its_task_dead(engine: Engine<'_>) -> CaseResult {
    let task = TaskSpec { max_attempts: 1, ..TaskSpec::new("kills its worker") };
    let lease = held(engine, &task)?;
    engine.set_clock(LEASE);
    equal("a claim after the expiry", all_payloads(engine)?, Vec::new())?;
    let stored = present("the dead letter", engine.task(lease.task)?)?;
    equal("its state", stored.state, State::Dead)?;
    holds("it has an error", stored.error.is_some())?;
    let stats = engine.stats("default")?;
    equal("dead, leased, reclaimed", (stats.dead, stats.leased, stats.reclaimed), (1, 0, 1))
}

fn leases_survive_a_restart(engine: Engine<'_>) -> CaseResult {
    let lease = held(engine, &TaskSpec::new("held"))?;
    engine.reopen();
    equal("a claim after the restart", all_payloads(engine)?, Vec::new())?;
    engine.complete(&lease)?;
    equal("completed", engine.stats("default")?.completed, 1)
}

fn a_clock_that_is_set_back_ends_no_lease(engine: Engine<'_>) -> CaseResult {
    let lease = held(engine, &TaskSpec::new("held"))?;
    engine.set_clock(-LEASE * 1000);
    equal("a claim after the step back", all_payloads(engine)?, Vec::new())?;
    engine.set_clock(LEASE);
    let again = claim_one(engine)?;
    equal("the task after as long as its lease", again.task, lease.task)
}

fn a_claim_out_of_bounds_is_refused(engine: Engine<'_>) -> CaseResult {
    enqueue(engine, &TaskSpec::new("stays"))?;
    let claim = ClaimSpec::default;
    let wrong = [
        ClaimSpec { max: 0, ..claim() },
        ClaimSpec { max: CLAIM_BATCH_MAX + 1, ..claim() },
        ClaimSpec { types: Vec::new(), ..claim() },
        ClaimSpec { lease: LEASE_MAX + Duration::from_micros(1), ..claim() },
        ClaimSpec { lease: LEASE_MIN - Duration::from_nanos(1), ..claim() },
    ];
    for claim in wrong {
        refused(&format!("{claim:?}"), engine.claim(&claim), Refusal::Invalid)?;
    }
    equal("what is left to claim", all_payloads(engine)?, vec!["stays".to_owned()])
}
