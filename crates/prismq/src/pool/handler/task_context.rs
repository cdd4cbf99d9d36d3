//! What a handler of bytes is called with.

use std::time::Instant;

use super::attempt::Attempt;
use super::cancel::CancelReason;
use crate::model::TaskId;
use crate::time::Timestamp;

/// One attempt at one task, as its handler sees it.
///
/// ```
/// use prismq::{TaskContext, TaskError};
///
/// /// A handler that works in steps and stops between them if its result would be refused.
/// fn count_bytes(task: &TaskContext<'_>) -> Result<(), TaskError> {
///     let mut count = 0;
///     for part in task.payload().chunks(1024) {
///         if task.should_stop() {
///             return Err(TaskError::new("stopped early"));
///         }
///         count += part.len();
///     }
///     println!("task {} has {count} bytes", task.id());
///     Ok(())
/// }
/// # let _: fn(&TaskContext<'_>) -> Result<(), TaskError> = count_bytes;
/// ```
#[derive(Debug)]
pub struct TaskContext<'a> {
    pub(in crate::pool) attempt: &'a Attempt,
}

impl TaskContext<'_> {
    /// The task's id.
    #[must_use]
    pub const fn id(&self) -> TaskId {
        self.attempt.lease.id()
    }

    /// The task's type.
    #[must_use]
    pub fn task_type(&self) -> &str {
        self.attempt.lease.task_type()
    }

    /// The bytes it was enqueued with.
    #[must_use]
    pub fn payload(&self) -> &[u8] {
        self.attempt.lease.payload()
    }

    /// Which attempt this is, from 1.
    #[must_use]
    pub const fn attempt(&self) -> u32 {
        self.attempt.lease.attempt()
    }

    /// How many attempts the task has before it is dead.
    #[must_use]
    pub const fn max_attempts(&self) -> u32 {
        self.attempt.lease.max_attempts()
    }

    /// When the task was enqueued.
    #[must_use]
    pub const fn enqueued_at(&self) -> Timestamp {
        self.attempt.lease.enqueued_at()
    }

    /// The fencing token of this attempt's lease, for systems that check it: it rises with every claim.
    #[must_use]
    pub const fn token(&self) -> i64 {
        self.attempt.lease.token()
    }

    /// Which worker of the pool runs it, from 0.
    #[must_use]
    pub const fn worker(&self) -> usize {
        self.attempt.worker
    }

    /// The queue it was claimed from.
    #[must_use]
    pub fn queue(&self) -> &str {
        &self.attempt.queue
    }

    /// When the handler's time limit ends, if it has one.
    #[must_use]
    pub const fn deadline(&self) -> Option<Instant> {
        self.attempt.deadline
    }

    /// Why the handler should stop; `None` while it should go on.
    #[must_use]
    pub fn cancelled(&self) -> Option<CancelReason> {
        self.attempt.cancelled()
    }

    /// Whether the pool found that its lease was lost: the task runs or will run elsewhere, and the result of
    /// this attempt will be refused.
    #[must_use]
    pub fn lease_lost(&self) -> bool {
        self.attempt.flags.has(CancelReason::LeaseLost)
    }

    /// Whether the handler has run into its time limit ([`timeout`](crate::WorkerPoolBuilder::timeout)). If it
    /// does not return within [`TIMEOUT_GRACE`](crate::limits::TIMEOUT_GRACE), its attempt is recorded as
    /// failed.
    #[must_use]
    pub fn timed_out(&self) -> bool {
        self.attempt.flags.has(CancelReason::Timeout)
    }

    /// Whether the handler should return early as its result will hardly count: its lease is lost, its time limit has
    /// passed, or its task is to be cancelled. Handlers that run long check this now and then. A shutdown of the pool is
    /// shown by [`TaskContext::cancelled`] alone.
    #[must_use]
    pub fn should_stop(&self) -> bool {
        let flags = &self.attempt.flags;
        self.lease_lost() || self.timed_out() || flags.has(CancelReason::Operator)
    }
}
