//! What a handler is called with.

use super::scheduler::StopFlags;
use crate::model::{Lease, TaskId};
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
    pub(super) lease: &'a Lease,
    pub(super) worker: usize,
    pub(super) flags: &'a StopFlags,
}

impl TaskContext<'_> {
    /// The task's id.
    #[must_use]
    pub const fn id(&self) -> TaskId {
        self.lease.id()
    }

    /// The task's type.
    #[must_use]
    pub fn task_type(&self) -> &str {
        self.lease.task_type()
    }

    /// The bytes it was enqueued with.
    #[must_use]
    pub fn payload(&self) -> &[u8] {
        self.lease.payload()
    }

    /// Which attempt this is, from 1.
    #[must_use]
    pub const fn attempt(&self) -> u32 {
        self.lease.attempt()
    }

    /// How many attempts the task has before it is dead.
    #[must_use]
    pub const fn max_attempts(&self) -> u32 {
        self.lease.max_attempts()
    }

    /// When the task was enqueued.
    #[must_use]
    pub const fn enqueued_at(&self) -> Timestamp {
        self.lease.enqueued_at()
    }

    /// The fencing token of this attempt's lease, for systems that check it: it rises with every claim.
    #[must_use]
    pub const fn token(&self) -> i64 {
        self.lease.token()
    }

    /// Which worker of the pool runs it, from 0.
    #[must_use]
    pub const fn worker(&self) -> usize {
        self.worker
    }

    /// Whether the pool found that its lease was lost: the task runs or will run elsewhere, and the result of
    /// this attempt will be refused.
    #[must_use]
    pub fn lease_lost(&self) -> bool {
        self.flags.lease_lost()
    }

    /// Whether the handler has run into its time limit ([`timeout`](crate::WorkerPoolBuilder::timeout)). If it
    /// does not return within [`TIMEOUT_GRACE`](crate::limits::TIMEOUT_GRACE), its attempt is recorded as
    /// failed.
    #[must_use]
    pub fn timed_out(&self) -> bool {
        self.flags.timed_out()
    }

    /// Whether the task is to be cancelled ([`Queue::cancel`](crate::Queue::cancel)). If the handler returns an error,
    /// the task ends as cancelled and is not run again; if it returns `Ok`, the task is completed.
    #[must_use]
    pub fn cancelled(&self) -> bool {
        self.flags.cancelled()
    }

    /// Whether the handler should return early: its lease is lost, its time limit has passed, or its task is to be
    /// cancelled. Handlers that run long check this now and then.
    #[must_use]
    pub fn should_stop(&self) -> bool {
        self.lease_lost() || self.timed_out() || self.cancelled()
    }
}
