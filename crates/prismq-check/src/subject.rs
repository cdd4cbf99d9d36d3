//! The operations that clients of a history make: on the queue itself, or on one with a fault.

use std::time::Duration;

use prismq::{Claim, Lease, NewTask, Queue, Result, State, TaskError, TaskId, Timestamp};

/// A queue, or a stand-in with a fault.
pub trait Subject {
    /// See [`Queue::enqueue`].
    ///
    /// # Errors
    /// Those of the linked method.
    fn enqueue(&self, task: &NewTask) -> Result<TaskId>;

    /// See [`Queue::claim`].
    ///
    /// # Errors
    /// Those of the linked method.
    fn claim(&self, claim: &Claim) -> Result<Vec<Lease>>;

    /// See [`Queue::complete`].
    ///
    /// # Errors
    /// Those of the linked method.
    fn complete(&self, lease: &Lease) -> Result<()>;

    /// See [`Queue::fail`].
    ///
    /// # Errors
    /// Those of the linked method.
    fn fail(&self, lease: &Lease, error: TaskError) -> Result<State>;

    /// See [`Queue::extend`].
    ///
    /// # Errors
    /// Those of the linked method.
    fn extend(&self, lease: &Lease, by: Duration) -> Result<Timestamp>;

    /// See [`Queue::release`].
    ///
    /// # Errors
    /// Those of the linked method.
    fn release(&self, lease: &Lease) -> Result<()>;
}

impl Subject for Queue {
    fn enqueue(&self, task: &NewTask) -> Result<TaskId> {
        self.enqueue(task).map(|handle| handle.id())
    }

    fn claim(&self, claim: &Claim) -> Result<Vec<Lease>> {
        self.claim(claim)
    }

    fn complete(&self, lease: &Lease) -> Result<()> {
        self.complete(lease)
    }

    fn fail(&self, lease: &Lease, error: TaskError) -> Result<State> {
        self.fail(lease, error)
    }

    fn extend(&self, lease: &Lease, by: Duration) -> Result<Timestamp> {
        self.extend(lease, by)
    }

    fn release(&self, lease: &Lease) -> Result<()> {
        self.release(lease)
    }
}
