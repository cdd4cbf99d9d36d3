//! Claiming tasks, and settling or extending their leases.

use std::sync::Arc;
use std::time::Duration;

use super::Queue;
use crate::core::RetryRule;
use crate::engine::{AT_ONCE, Answer, Claimed, Operation};
use crate::model::limits::CLAIM_BYTES_MAX;
use crate::model::{
    Claim, Error, Lease, Result, Retry, State, TaskError, validate_delay, validate_lease,
    validate_result,
};
use crate::time::Timestamp;

impl Queue {
    /// Claims ready tasks, in order, with a lease each. Empty if there are none: it never waits.
    ///
    /// It returns no more payload bytes than [`CLAIM_BYTES_MAX`], but at least one task. A task whose payload is
    /// missing or damaged becomes a dead letter, and the next takes its place.
    ///
    /// # Errors
    /// [`Error::InvalidInput`], [`Error::Busy`] or an engine's failure: nothing was claimed. Tasks whose payloads
    /// cannot be read now are released without counting an attempt, for a later claim after
    /// [`READ_RETRY_PAUSE`](crate::limits::READ_RETRY_PAUSE); it is an error only if no task is left.
    pub fn claim(&self, claim: &Claim) -> Result<Vec<Lease>> {
        claim.validate()?;
        let claim = claim.clone().bytes_max(CLAIM_BYTES_MAX);
        loop {
            let Answer::Claimed(Claimed { leases, next_due, .. }) =
                self.core.submit(Operation::Claim(claim.clone()))?
            else {
                return Err(Error::unanswered());
            };
            let none = leases.is_empty();
            let leases = self.core.with_payloads(leases)?;
            if !leases.is_empty() || (none && next_due != Some(AT_ONCE)) {
                return Ok(leases);
            }
        }
    }

    /// Completes a task: deletes it, or keeps it if the queue has a history. Durable when this returns `Ok`.
    ///
    /// # Errors
    /// [`Error::LeaseLost`] if the task was settled already, or its lease expired and another claim reclaimed the
    /// task; [`Error::ForeignLease`] if it was claimed from another file; an engine's failure, after which the lease
    /// still holds.
    pub fn complete(&self, lease: &Lease) -> Result<()> {
        self.core.submit(Operation::complete(lease.key)).map(drop)
    }

    /// Completes a task with a result, which is kept as long as the task is: see [`Queue::set_history`].
    ///
    /// # Errors
    /// See [`Queue::complete`]; [`Error::InvalidInput`] for a result of more than
    /// [`RESULT_BYTES_MAX`](crate::limits::RESULT_BYTES_MAX).
    pub fn complete_with(&self, lease: &Lease, result: impl Into<Arc<[u8]>>) -> Result<()> {
        let result = result.into();
        validate_result(&result)?;
        let key = lease.key;
        self.core.submit(Operation::Complete { key, result: Some(result) }).map(drop)
    }

    /// Records a failed attempt: the task is retried by the retry policy or the error's delay, or becomes a dead
    /// letter; or it is put off without counting the attempt ([`TaskError::snooze`]). Returns its new state.
    ///
    /// # Errors
    /// See [`Queue::complete`]; [`Error::InvalidInput`] for a delay outside its bounds.
    pub fn fail(&self, lease: &Lease, error: impl Into<TaskError>) -> Result<State> {
        let error = error.into();
        validate_failure(&error)?;
        failed(&self.core.submit(self.core.failure(lease, error, None, RetryRule::default()))?)
    }

    /// Extends a lease to expire `by` from now, and returns that time by the wall clock.
    ///
    /// # Errors
    /// See [`Queue::complete`]; [`Error::InvalidInput`] for a lease outside its bounds.
    pub fn extend(&self, lease: &Lease, by: Duration) -> Result<Timestamp> {
        validate_lease(by)?;
        extended(&self.core.submit(Operation::Extend { key: lease.key, lease: by })?)
    }

    /// Releases a task as if it had not been claimed: the attempt does not count.
    ///
    /// # Errors
    /// See [`Queue::complete`].
    pub fn release(&self, lease: &Lease) -> Result<()> {
        self.core.submit(Operation::Release(lease.key)).map(drop)
    }
}

/// Whether the delay that an error asks for, if it does, is within its bounds.
pub(super) fn validate_failure(error: &TaskError) -> Result<()> {
    match error.retry {
        Retry::After(delay) | Retry::Snooze(delay) => validate_delay("retry delay", delay),
        Retry::ByPolicy | Retry::Never | Retry::Cancel => Ok(()),
    }
}

/// The state of a task whose attempt failed.
pub(super) fn failed(answer: &Answer) -> Result<State> {
    match answer {
        Answer::Failed(state) => Ok(*state),
        _ => Err(Error::unanswered()),
    }
}

/// When a lease expires that was extended.
pub(super) fn extended(answer: &Answer) -> Result<Timestamp> {
    match answer {
        Answer::Extended(expires_at) => Ok(expires_at.wall),
        _ => Err(Error::unanswered()),
    }
}
