//! The operations that clients of a history make: on the queue itself, or on one with a fault.

use std::time::Duration;

use prismq::{
    CancelOutcome, Claim, Enqueued, Lease, NewTask, Queue, Result, Schedule, State, TaskError,
    TaskId, Timestamp,
};

/// A queue, or a stand-in with a fault.
pub trait Subject {
    /// See [`Queue::enqueue`].
    ///
    /// # Errors
    /// Those of the linked method.
    fn enqueue(&self, task: &NewTask) -> Result<Enqueued>;

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

    /// See [`Queue::cancel`].
    ///
    /// # Errors
    /// Those of the linked method.
    fn cancel(&self, id: TaskId) -> Result<CancelOutcome>;

    /// Puts the dead tasks of a type back: see [`prismq::Tasks::redrive`].
    ///
    /// # Errors
    /// Those of the linked method.
    fn redrive(&self, task_type: &str) -> Result<u64>;

    /// Deletes the tasks of a type that do not run: see [`prismq::Tasks::delete`].
    ///
    /// # Errors
    /// Those of the linked method.
    fn delete(&self, task_type: &str) -> Result<u64>;

    /// See [`prismq::Schedules::set`].
    ///
    /// # Errors
    /// Those of the linked method.
    fn set_schedule(&self, schedule: &Schedule) -> Result<bool>;
}

impl Subject for Queue {
    fn enqueue(&self, task: &NewTask) -> Result<Enqueued> {
        self.enqueue(task).map(|handle| handle.enqueued())
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

    fn cancel(&self, id: TaskId) -> Result<CancelOutcome> {
        self.cancel(id)
    }

    fn redrive(&self, task_type: &str) -> Result<u64> {
        self.tasks().of_type(task_type).redrive()
    }

    fn delete(&self, task_type: &str) -> Result<u64> {
        self.tasks().of_type(task_type).delete()
    }

    fn set_schedule(&self, schedule: &Schedule) -> Result<bool> {
        self.schedules().set(schedule)
    }
}
