//! The leader commits how tasks ended.

use std::time::{Duration, Instant};

use super::answers::{Answers, is_lease_lost};
use crate::engine::{Answer, Operation};
use crate::model::{Error, Result, State};
use crate::pool::event::{Event, Outcome};
use crate::pool::scheduler::{Settle, Settlement};
use crate::pool::shared::Shared;

/// The operations that settle these tasks.
pub(super) fn operations(
    shared: &Shared,
    settlements: &[Settlement],
) -> impl Iterator<Item = Operation> {
    settlements.iter().map(|Settlement { lease, action, .. }| match action {
        Settle::Complete => Operation::Complete(lease.key),
        Settle::Fail(error) => {
            shared.core.failure(lease, error.clone(), shared.registry.backoff(lease.task_type()))
        }
        Settle::Release => Operation::Release(lease.key),
        Settle::PayloadUnread(error) => shared.core.settle_unread(lease, error),
    })
}

/// Counts what was settled and sends its events. The rest goes back to the scheduler, to be settled again.
pub(super) fn accept(
    shared: &Shared,
    settlements: Vec<Settlement>,
    commit_time: Option<Duration>,
    answers: &mut Answers,
) {
    if settlements.is_empty() {
        return;
    }
    let mut unsettled = Vec::new();
    let mut events = Vec::with_capacity(settlements.len());
    for settlement in settlements {
        match outcome(&settlement.action, answers.take()) {
            Ok(outcome) => events.push(Event {
                id: settlement.lease.id(),
                worker: settlement.worker,
                attempt: settlement.lease.attempt(),
                outcome,
            }),
            Err(error) => {
                answers.failed(error);
                unsettled.push(settlement);
            }
        }
    }
    // Before the results count as settled, so that a shutdown waits for the listener too.
    shared.send_events(&events);
    shared.scheduler().settled(&events, unsettled, commit_time, Instant::now());
}

/// The outcome of an attempt; an error if it must be settled again.
fn outcome(action: &Settle, answer: Result<Answer>) -> Result<Outcome> {
    match answer {
        Ok(Answer::Completed) => Ok(Outcome::Completed),
        Ok(Answer::Released) => Ok(Outcome::Released),
        Ok(Answer::Failed(State::Dead)) => Ok(Outcome::Dead),
        Ok(Answer::Failed(State::Cancelled) | Answer::Cancelled(_)) => Ok(Outcome::Cancelled),
        Ok(Answer::Failed(_)) if action.is_snooze() => Ok(Outcome::Snoozed),
        Ok(Answer::Failed(_)) => Ok(Outcome::Retried),
        Ok(_) => Err(Error::unanswered()),
        Err(error) if is_lease_lost(&error) => Ok(Outcome::LeaseLost),
        Err(error) => Err(error),
    }
}
