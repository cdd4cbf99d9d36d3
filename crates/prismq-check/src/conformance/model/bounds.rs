//! The bounds of requests, as [`prismq::limits`] documents them.

use std::time::Duration;

use prismq::limits::{
    AGEING_STEP_MAX, ATTEMPTS_MAX, CAPABILITIES_MAX, CLAIM_BATCH_MAX, CLAIM_TYPES_MAX,
    CONCURRENCY_MAX, DELAY_MAX, ENQUEUE_BATCH_MAX, HISTORY_MAX, INTERVAL_MAX, INTERVAL_MIN,
    LEASE_MAX, LEASE_MIN, NAME_BYTES_MAX, PAYLOAD_BYTES_MAX, PRIORITY_MAX, PRIORITY_MIN,
    RATE_INTERVAL_MIN, RATE_PERIOD_MAX, REQUIREMENTS_MAX, RESULT_BYTES_MAX,
    SCHEDULE_PAYLOAD_BYTES_MAX, UNIQUE_KEY_BYTES_MAX, UNIQUE_PERIOD_MAX,
};
use prismq::{Order, RetryPolicy};

use super::super::subject::{
    Answer, ClaimSpec, Failure, FilterSpec, Hold, LimitSpec, RateSpec, Refusal, ScheduleSpec,
    TaskSpec, UniqueSpec,
};

fn within(holds: bool) -> Answer<()> {
    if holds { Ok(()) } else { Err(Refusal::Invalid) }
}

pub(super) fn name(name: &str) -> Answer<()> {
    let length = 1..=NAME_BYTES_MAX;
    within(length.contains(&name.len()) && !name.contains(char::is_control))
}

fn names(list: &[String], max: usize) -> Answer<()> {
    within(list.len() <= max)?;
    list.iter().try_for_each(|listed| name(listed))
}

pub(super) fn lease(lease: Duration) -> Answer<()> {
    within((LEASE_MIN..=LEASE_MAX).contains(&lease))
}

pub(super) fn batch(tasks: &[TaskSpec]) -> Answer<()> {
    within(tasks.len() <= ENQUEUE_BATCH_MAX)?;
    tasks.iter().try_for_each(task)
}

fn task(task: &TaskSpec) -> Answer<()> {
    name(&task.queue)?;
    name(&task.task_type)?;
    names(&task.requires, REQUIREMENTS_MAX)?;
    within(
        (PRIORITY_MIN..=PRIORITY_MAX).contains(&task.priority)
            && (1..=ATTEMPTS_MAX).contains(&task.max_attempts)
            && task.delay <= DELAY_MAX
            && task.payload.len() <= PAYLOAD_BYTES_MAX
            && task.expires_after.is_none_or(|time| time > task.delay && time <= DELAY_MAX),
    )?;
    task.unique.as_ref().map_or(Ok(()), unique)
}

fn unique(unique: &UniqueSpec) -> Answer<()> {
    let fits = |key: &String| {
        (1..=UNIQUE_KEY_BYTES_MAX).contains(&key.len()) && !key.contains(char::is_control)
    };
    within(unique.key.as_ref().is_none_or(fits))?;
    match unique.hold {
        Hold::Period(period) => within(!period.is_zero() && period <= UNIQUE_PERIOD_MAX),
        _ => Ok(()),
    }
}

pub(super) fn depth(limit: Option<u32>) -> Answer<()> {
    within(limit != Some(0))
}

pub(super) fn policy(policy: &RetryPolicy) -> Answer<()> {
    let times = [policy.initial, policy.max];
    within(
        times.iter().all(|time| *time <= DELAY_MAX)
            && (1.0..=1e6).contains(&policy.multiplier)
            && (0.0..=1.0).contains(&policy.jitter),
    )
}

/// Whether the limits and keys of tasks can be; `is_set` says which limits are set.
pub(super) fn limits_of(tasks: &[TaskSpec], is_set: impl Fn(&str) -> bool) -> Answer<()> {
    for task in tasks {
        task.limit.iter().chain(&task.key).try_for_each(|listed| name(listed))?;
        within(task.key.is_some() || !task.ordered)?;
        within(task.limit.as_ref().is_none_or(|limit| is_set(limit)))?;
    }
    Ok(())
}

pub(super) fn concurrency(tasks: Option<u32>) -> Answer<()> {
    within(tasks.is_none_or(|tasks| (1..=CONCURRENCY_MAX).contains(&tasks)))
}

pub(super) fn limit(limit: &LimitSpec) -> Answer<()> {
    for bounds in [limit.total, limit.per_key] {
        concurrency(bounds.concurrency)?;
        if let Some(RateSpec { tasks, period, burst }) = bounds.rate {
            within(tasks > 0 && (1..=tasks).contains(&burst))?;
            within(!period.is_zero() && period <= RATE_PERIOD_MAX)?;
            within(period >= RATE_INTERVAL_MIN * tasks)?;
        }
    }
    Ok(())
}

pub(super) fn claim(claim: &ClaimSpec) -> Answer<()> {
    name(&claim.queue)?;
    names(&claim.types, CLAIM_TYPES_MAX)?;
    names(&claim.capabilities, CAPABILITIES_MAX)?;
    lease(claim.lease)?;
    within(!claim.types.is_empty() && (1..=CLAIM_BATCH_MAX).contains(&claim.max))
}

pub(super) fn result(result: &[u8]) -> Answer<()> {
    within(result.len() <= RESULT_BYTES_MAX)
}

pub(super) fn schedule(schedule: &ScheduleSpec) -> Answer<()> {
    name(&schedule.name)?;
    task(&schedule.task)?;
    within(
        (INTERVAL_MIN..=INTERVAL_MAX).contains(&schedule.interval)
            && schedule.task.delay.is_zero()
            && schedule.task.payload.len() <= SCHEDULE_PAYLOAD_BYTES_MAX,
    )
}

pub(super) fn failure(failure: &Failure) -> Answer<()> {
    failure.retry_after.map_or(Ok(()), delay)
}

pub(super) fn delay(delay: Duration) -> Answer<()> {
    within(delay <= DELAY_MAX)
}

pub(super) fn order(order: Order) -> Answer<()> {
    match order {
        Order::Ageing { step } => within(step <= AGEING_STEP_MAX),
        _ => Ok(()),
    }
}

pub(super) fn history(keep: u32) -> Answer<()> {
    within(keep <= HISTORY_MAX)
}

pub(super) fn filter(filter: &FilterSpec) -> Answer<()> {
    filter.queue.iter().chain(&filter.types).try_for_each(|text| name(text))?;
    within(filter.older_than.is_none_or(|age| age <= DELAY_MAX))
}
