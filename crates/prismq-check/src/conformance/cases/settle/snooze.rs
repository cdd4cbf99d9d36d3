//! Putting a task off without counting the attempt.

use std::time::Duration;

use prismq::State;
use prismq::limits::DELAY_MAX;

use crate::conformance::cases::{Engine, LEASE, SECOND, all_payloads, claim_one, enqueue, held};
use crate::conformance::expect::{CaseResult, equal, holds, present, refused};
use crate::conformance::subject::{Failure, Refusal, TaskSpec};

crate::conformance::cases::cases!(
    a_snoozed_task_runs_after_its_delay_and_not_before,
    a_snooze_counts_no_attempt_and_no_failure,
    a_task_can_be_snoozed_more_often_than_it_has_attempts,
    a_snooze_without_a_delay_returns_the_task_to_its_place,
    a_snooze_keeps_the_error_of_an_earlier_attempt,
    an_expired_lease_snoozes_until_a_claim_takes_it_back,
    a_lost_lease_snoozes_nothing,
    a_snooze_beyond_the_longest_delay_is_refused_and_the_lease_holds,
);

const TEN_SECONDS: Duration = Duration::from_secs(10);

fn a_snoozed_task_runs_after_its_delay_and_not_before(engine: Engine<'_>) -> CaseResult {
    let lease = held(engine, &TaskSpec::new("later"))?;
    equal("the state", engine.snooze(&lease, TEN_SECONDS)?, State::Scheduled)?;
    engine.set_clock(10 * SECOND - 1);
    equal("a claim before the delay ends", all_payloads(engine)?, Vec::new())?;
    engine.set_clock(1);
    let again = claim_one(engine)?;
    holds("the token is higher", again.token > lease.token)?;
    equal("the task and its attempt", (again.task, again.attempt), (lease.task, 1))
}

fn a_snooze_counts_no_attempt_and_no_failure(engine: Engine<'_>) -> CaseResult {
    let lease = held(engine, &TaskSpec::new("later"))?;
    engine.snooze(&lease, TEN_SECONDS)?;
    let stored = present("the task", engine.task(lease.task)?)?;
    equal("its attempts and error", (stored.attempt, stored.error), (0, None))?;
    let stats = engine.stats("default")?;
    equal("failed, scheduled, leased", (stats.failed, stats.scheduled, stats.leased), (0, 1, 0))
}

fn a_task_can_be_snoozed_more_often_than_it_has_attempts(engine: Engine<'_>) -> CaseResult {
    enqueue(engine, &TaskSpec { max_attempts: 1, ..TaskSpec::new("patient") })?;
    for _ in 0..3 {
        let lease = claim_one(engine)?;
        equal("the attempt", lease.attempt, 1)?;
        equal("the state", engine.snooze(&lease, Duration::ZERO)?, State::Ready)?;
    }
    equal("dead tasks", engine.stats("default")?.dead, 0)
}

fn a_snooze_without_a_delay_returns_the_task_to_its_place(engine: Engine<'_>) -> CaseResult {
    let first = held(engine, &TaskSpec::new("first"))?;
    enqueue(engine, &TaskSpec::new("second"))?;
    engine.snooze(&first, Duration::ZERO)?;
    equal("the next claims", all_payloads(engine)?, vec!["first".to_owned(), "second".to_owned()])
}

fn a_snooze_keeps_the_error_of_an_earlier_attempt(engine: Engine<'_>) -> CaseResult {
    let lease = held(engine, &TaskSpec::new("flaky"))?;
    engine.fail(&lease, &Failure::retry("refused", Duration::ZERO))?;
    let second = claim_one(engine)?;
    engine.snooze(&second, TEN_SECONDS)?;
    let stored = present("the task", engine.task(lease.task)?)?;
    let error = stored.error.as_deref();
    equal("its attempts and error", (stored.attempt, error), (1, Some("refused")))
}

fn an_expired_lease_snoozes_until_a_claim_takes_it_back(engine: Engine<'_>) -> CaseResult {
    let lease = held(engine, &TaskSpec::new("late"))?;
    engine.set_clock(LEASE);
    equal("the state", engine.snooze(&lease, TEN_SECONDS)?, State::Scheduled)?;
    equal("leases taken back", engine.stats("default")?.reclaimed, 0)
}

fn a_lost_lease_snoozes_nothing(engine: Engine<'_>) -> CaseResult {
    let lost = held(engine, &TaskSpec::new("contended"))?;
    engine.set_clock(LEASE);
    claim_one(engine)?;
    let before = engine.task(lost.task)?;
    refused("the late snooze", engine.snooze(&lost, TEN_SECONDS), Refusal::LeaseLost)?;
    equal("the task after it", engine.task(lost.task)?, before)
}

fn a_snooze_beyond_the_longest_delay_is_refused_and_the_lease_holds(
    engine: Engine<'_>,
) -> CaseResult {
    let lease = held(engine, &TaskSpec::new("held"))?;
    let too_long = DELAY_MAX + Duration::from_secs(1);
    refused("the snooze", engine.snooze(&lease, too_long), Refusal::Invalid)?;
    Ok(engine.complete(&lease)?)
}
