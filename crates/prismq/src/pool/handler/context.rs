//! What a handler is called with, next to the payload.

use std::any::Any;
use std::fmt;
use std::sync::Arc;
use std::time::Instant;

use super::attempt::Attempt;
use super::cancel::CancelReason;
use super::registry::Returned;
use crate::model::{Result, TaskId};
use crate::time::Timestamp;

/// One attempt at a task, and the state that its pool was given: what every handler is called with, next to the value or
/// the bytes of its task.
///
/// Cheap to clone; a clone may be kept or sent to another thread, and goes on to speak of this attempt.
///
/// # Examples
/// ```
/// use prismq::{CancelReason, Context, Task, TaskError, TaskResult};
/// use serde::{Deserialize, Serialize};
/// use std::time::Duration;
///
/// struct Mailer;
///
/// #[derive(Task, Serialize, Deserialize)]
/// struct Newsletter {
///     addresses: Vec<String>,
/// }
///
/// /// Stops between two mails if it should.
/// fn send(task: Newsletter, cx: Context<Mailer>) -> TaskResult {
///     for address in task.addresses {
///         match cx.cancelled() {
///             None => {}
///             Some(CancelReason::Shutdown) => return Err(TaskError::snooze(Duration::ZERO)),
///             Some(reason) => return Err(format!("stopped: {reason:?}").into()),
///         }
///         let _mailer: &Mailer = cx.state();
///         println!("attempt {} sends to {address}", cx.attempt());
///     }
///     Ok(())
/// }
/// # let _: fn(Newsletter, Context<Mailer>) -> TaskResult = send;
/// ```
pub struct Context<S = ()> {
    pub(super) attempt: Arc<Attempt>,
    pub(super) state: Arc<S>,
    /// Encodes a value if it is of the type of the task's output.
    pub(super) encode: fn(&dyn Any) -> Returned,
}

impl<S> Context<S> {
    /// What the pool was given by [`state`](crate::WorkerPoolBuilder::state).
    #[must_use]
    pub fn state(&self) -> &S {
        &self.state
    }

    /// The task's id.
    #[must_use]
    pub fn id(&self) -> TaskId {
        self.attempt.lease.id()
    }

    /// The task's type, by name.
    #[must_use]
    pub fn task_type(&self) -> &str {
        self.attempt.lease.task_type()
    }

    /// The queue it was claimed from.
    #[must_use]
    pub fn queue(&self) -> &str {
        self.attempt.lease.queue()
    }

    /// Which attempt this is, from 1.
    #[must_use]
    pub fn attempt(&self) -> u32 {
        self.attempt.lease.attempt()
    }

    /// How many attempts the task has before it is dead.
    #[must_use]
    pub fn max_attempts(&self) -> u32 {
        self.attempt.lease.max_attempts()
    }

    /// When the task was enqueued.
    #[must_use]
    pub fn enqueued_at(&self) -> Timestamp {
        self.attempt.lease.enqueued_at()
    }

    /// The time that a schedule enqueued the task for; `None` for any other task. See
    /// [`Schedule`](crate::Schedule).
    #[must_use]
    pub fn scheduled_for(&self) -> Option<Timestamp> {
        self.attempt.lease.scheduled_for()
    }

    /// The fencing token of this attempt's lease, for systems that check it: it rises with every claim.
    #[must_use]
    pub fn token(&self) -> i64 {
        self.attempt.lease.token()
    }

    /// Which worker of the pool runs it, from 0.
    #[must_use]
    pub fn worker(&self) -> usize {
        self.attempt.worker
    }

    /// When the handler's time limit ends, if it has one. See [`TaskOptions::timeout`](crate::TaskOptions::timeout).
    #[must_use]
    pub fn deadline(&self) -> Option<Instant> {
        self.attempt.deadline
    }

    /// Why the handler should stop; `None` while it should go on. Handlers that run long ask now and then.
    #[must_use]
    pub fn cancelled(&self) -> Option<CancelReason> {
        self.attempt.cancelled()
    }

    /// Sets what the task results in, as bytes: for handlers of bytes and for types without an output. It is kept with the
    /// task once the handler has returned `Ok`, if the task is kept: see
    /// [`Queue::set_history`](crate::Queue::set_history) and [`Queue::wait`](crate::Queue::wait). An output that the
    /// handler returns takes its place.
    ///
    /// # Errors
    /// [`Error::InvalidInput`](crate::Error::InvalidInput) for more than
    /// [`RESULT_BYTES_MAX`](crate::limits::RESULT_BYTES_MAX).
    pub fn set_result(&self, result: impl Into<Arc<[u8]>>) -> Result<()> {
        self.attempt.set_result(result.into())
    }

    /// The attempt.
    pub(crate) const fn of_attempt(&self) -> &Arc<Attempt> {
        &self.attempt
    }

    /// Encodes a value if it is of the type of the task's output.
    pub(crate) const fn encoder(&self) -> fn(&dyn Any) -> Returned {
        self.encode
    }
}

impl<S> Clone for Context<S> {
    fn clone(&self) -> Self {
        Self { attempt: self.attempt.clone(), state: self.state.clone(), encode: self.encode }
    }
}

impl<S> fmt::Debug for Context<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Context").field("attempt", &self.attempt).finish_non_exhaustive()
    }
}
