//! Claiming tasks, and settling or extending their leases.

use std::time::Duration;

use super::Queue;
use crate::engine::{AT_ONCE, Answer, Claimed, Operation};
use crate::model::limits::CLAIM_BYTES_MAX;
use crate::model::{
    Claim, Error, Lease, Result, Retry, State, TaskError, validate_delay, validate_lease,
};
use crate::time::Timestamp;

impl Queue {
    /// Takes ready tasks, in order, under a lease each. Empty if there are none: this never waits.
    ///
    /// It gives no more payload bytes than [`CLAIM_BYTES_MAX`], and so perhaps fewer tasks than there are, but at
    /// least one. A task whose payload is missing or damaged becomes a dead letter, and others take its place.
    ///
    /// # Errors
    /// [`Error::InvalidInput`], [`Error::Busy`] or an engine's failure: nothing was then claimed. Where payloads
    /// cannot be read for now, their tasks are given back without having used up an attempt, to be claimed again
    /// after [`READ_RETRY_PAUSE`](crate::limits::READ_RETRY_PAUSE); it is an error only if that leaves nothing to
    /// give.
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

    /// Ends a task well and deletes it, unless the queue keeps a history. When this returns `Ok`, it is
    /// durable.
    ///
    /// # Errors
    /// [`Error::LeaseLost`] if the task is no longer this claim's: it was settled, or its lease expired and
    /// another claim took the task back; [`Error::ForeignLease`] if it was claimed from another file; an
    /// engine's failure, after which the lease still holds.
    pub fn complete(&self, lease: &Lease) -> Result<()> {
        self.core.submit(Operation::Complete(lease.key)).map(drop)
    }

    /// Ends an attempt badly: the task runs again as the retry policy or the error says, or becomes a
    /// dead letter. Returns where it stands now.
    ///
    /// # Errors
    /// See [`Queue::complete`]; [`Error::InvalidInput`] for a delay outside its bounds.
    pub fn fail(&self, lease: &Lease, error: impl Into<TaskError>) -> Result<State> {
        let error = error.into();
        if let Retry::After(delay) = error.retry {
            validate_delay("retry delay", delay)?;
        }
        match self.core.submit(self.core.failure(lease, error))? {
            Answer::Failed(state) => Ok(state),
            _ => Err(Error::unanswered()),
        }
    }

    /// Moves the end of a lease to `by` from now and returns it, by the wall clock.
    ///
    /// # Errors
    /// See [`Queue::complete`]; [`Error::InvalidInput`] for a lease outside its bounds.
    pub fn extend(&self, lease: &Lease, by: Duration) -> Result<Timestamp> {
        validate_lease(by)?;
        match self.core.submit(Operation::Extend { key: lease.key, lease: by })? {
            Answer::Extended(expires_at) => Ok(expires_at.wall),
            _ => Err(Error::unanswered()),
        }
    }

    /// Gives a task back as if it had not been claimed: the attempt does not count.
    ///
    /// # Errors
    /// See [`Queue::complete`].
    pub fn release(&self, lease: &Lease) -> Result<()> {
        self.core.submit(Operation::Release(lease.key)).map(drop)
    }
}
