//! The leader commits how tasks ended.

use std::time::{Duration, Instant};

use super::answers::{Answers, is_lease_lost};
use crate::engine::{Answer, Operation};
use crate::model::{Error, Result, State};
use crate::pool::event::{Event, Outcome};
use crate::pool::scheduler::{Settle, Settlement};
use crate::pool::shared::Shared;

/// The operations that settle these tasks, for those that are not settled already.
pub(super) fn operations(
    shared: &Shared,
    settlements: &[Settlement],
) -> impl Iterator<Item = Operation> {
    settlements.iter().filter_map(|Settlement { lease, run, action }| match action {
        Settle::Complete(result) => {
            Some(Operation::Complete { key: lease.key, result: result.clone() })
        }
        Settle::Completed => None,
        Settle::Fail(error) => {
            let begun = run.map(|run| (run.worker, run.began_at));
            let rule = shared.registry.retry_rule(lease.task_type());
            Some(shared.core.failure(lease, error.clone(), begun, rule))
        }
        Settle::Release => Some(Operation::Release(lease.key)),
        Settle::PayloadUnread(error) => Some(shared.core.settle_unread(lease, error)),
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
    let mut outcomes = Vec::with_capacity(settlements.len());
    let mut events = Vec::new();
    for settlement in settlements {
        let outcome = match &settlement.action {
            Settle::Completed => Ok(Outcome::Completed),
            action => outcome(action, answers.take()),
        };
        match outcome {
            Ok(outcome) => {
                outcomes.push((settlement.lease.queue.clone(), outcome));
                if shared.has_listener() {
                    events.push(event(&settlement, outcome));
                }
            }
            Err(error) => {
                answers.failed(error);
                unsettled.push(settlement);
            }
        }
    }
    // Before the results count as settled, so that a shutdown waits for the listener too.
    shared.send_events(events);
    shared.scheduler().settled(&outcomes, unsettled, commit_time, Instant::now());
}

/// The event of a settled attempt.
fn event(settlement: &Settlement, outcome: Outcome) -> Event {
    let Settlement { lease, run, action } = settlement;
    Event {
        id: lease.id(),
        queue: lease.queue.clone(),
        task_type: lease.task_type.clone(),
        worker: run.map(|run| run.worker),
        attempt: lease.attempt(),
        outcome,
        duration: run.map(|run| run.took),
        error: match action {
            Settle::Fail(error) => Some(error.text().to_owned()),
            Settle::PayloadUnread(error) => Some(error.to_string()),
            Settle::Complete(_) | Settle::Completed | Settle::Release => None,
        },
    }
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
