//! Time to live: tasks that must start in time.

use std::time::Duration;

use prismq::State;

use crate::conformance::cases::{Engine, SECOND, all_payloads, claim_one, enqueue};
use crate::conformance::expect::{CaseResult, equal, present, refused};
use crate::conformance::subject::{ClaimSpec, Failure, Refusal, TaskSpec};

crate::conformance::cases::cases!(
    a_task_that_has_not_started_in_time_is_dead,
    a_task_that_started_in_time_goes_on,
    attempts_after_the_time_to_live_count,
    a_task_that_was_released_expires,
    a_snooze_by_a_lost_lease_takes_no_time_to_live_away,
    a_time_to_live_out_of_bounds_is_refused,
);

fn mortal(payload: &str) -> TaskSpec {
    TaskSpec { expires_after: Some(Duration::from_secs(30)), ..TaskSpec::new(payload) }
}

fn a_task_that_has_not_started_in_time_is_dead(engine: Engine<'_>) -> CaseResult {
    let id = enqueue(engine, &mortal("late"))?;
    enqueue(engine, &TaskSpec { delay: Duration::from_secs(20), ..mortal("later") })?;
    enqueue(engine, &TaskSpec::new("other"))?;
    engine.set_clock(30 * SECOND);
    equal("what is given", all_payloads(engine)?, vec!["other".to_owned()])?;
    let stored = present("the late task", engine.task(id)?)?;
    equal("state and attempts", (stored.state, stored.attempt), (State::Dead, 0))?;
    let stats = engine.stats("default")?;
    equal("dead, expired and failed", (stats.dead, stats.expired, stats.failed), (2, 2, 0))
}

fn a_task_that_started_in_time_goes_on(engine: Engine<'_>) -> CaseResult {
    enqueue(engine, &mortal("retried"))?;
    engine.set_clock(30 * SECOND - 1);
    let lease = claim_one(engine)?;
    engine.fail(&lease, &Failure::retry("again", Duration::from_secs(30)))?;
    engine.set_clock(30 * SECOND);
    let lease = claim_one(engine)?;
    engine.set_clock(SECOND);
    engine.complete(&lease)?;
    equal("expired", engine.stats("default")?.expired, 0)
}

fn attempts_after_the_time_to_live_count(engine: Engine<'_>) -> CaseResult {
    let id = enqueue(engine, &TaskSpec { max_attempts: 2, ..mortal("lost") })?;
    let queue = || "other".to_owned();
    let others = [(); 2].map(|()| TaskSpec { queue: queue(), ..TaskSpec::new("other") });
    engine.enqueue(&others)?;
    for attempt in 1..=2 {
        let lease = claim_one(engine)?;
        equal("attempt", lease.attempt, attempt)?;
        engine.set_clock(100 * SECOND);
        // It takes back the lease that has expired, so that the next claim has nothing else to do.
        let claim = ClaimSpec { queue: queue(), max: 1, ..ClaimSpec::default() };
        let other = engine.claim(&claim)?;
        equal("others", other.len(), 1)?;
    }
    let stored = present("the task", engine.task(id)?)?;
    equal("state and attempts", (stored.state, stored.attempt), (State::Dead, 2))
}

fn a_task_that_was_released_expires(engine: Engine<'_>) -> CaseResult {
    enqueue(engine, &mortal("released"))?;
    let lease = claim_one(engine)?;
    engine.set_clock(31 * SECOND);
    engine.release(&lease)?;
    equal("what is given", all_payloads(engine)?, Vec::new())?;
    equal("expired", engine.stats("default")?.expired, 1)
}

fn a_snooze_by_a_lost_lease_takes_no_time_to_live_away(engine: Engine<'_>) -> CaseResult {
    enqueue(engine, &mortal("released"))?;
    let lease = claim_one(engine)?;
    engine.release(&lease)?;
    refused("a snooze", engine.snooze(&lease, Duration::ZERO), Refusal::LeaseLost)?;
    engine.set_clock(30 * SECOND);
    equal("what is given", all_payloads(engine)?, Vec::new())
}

fn a_time_to_live_out_of_bounds_is_refused(engine: Engine<'_>) -> CaseResult {
    let second = Duration::from_secs(1);
    for (delay, time) in [(Duration::ZERO, Duration::ZERO), (second, second)] {
        let task = TaskSpec { delay, expires_after: Some(time), ..TaskSpec::new("x") };
        refused(&format!("{task:?}"), engine.enqueue(&[task]), Refusal::Invalid)?;
    }
    equal("tasks enqueued", engine.stats("default")?.enqueued, 0)
}
