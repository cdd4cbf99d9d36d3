//! What a handler of bytes is called with.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Instant;

use super::attempt::Attempt;
use super::cancel::CancelReason;
use crate::model::{Result, TaskId, validate_result};
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
    /// What the task results in, as set by the handler.
    pub(in crate::pool) result: &'a Mutex<Option<Arc<[u8]>>>,
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

    /// The time that a schedule enqueued the task for; `None` for any other task. See
    /// [`Schedule`](crate::Schedule).
    #[must_use]
    pub const fn scheduled_for(&self) -> Option<Timestamp> {
        self.attempt.lease.scheduled_for()
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
        self.attempt.lease.queue()
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

    /// Sets what the task results in. It is kept with the task once the handler has returned `Ok`, if the task is
    /// kept: see [`Queue::set_history`](crate::Queue::set_history) and [`Queue::wait`](crate::Queue::wait).
    ///
    /// # Errors
    /// [`Error::InvalidInput`](crate::Error::InvalidInput) for more than
    /// [`RESULT_BYTES_MAX`](crate::limits::RESULT_BYTES_MAX).
    pub fn set_result(&self, result: impl Into<Arc<[u8]>>) -> Result<()> {
        let result = result.into();
        validate_result(&result)?;
        *self.result.lock().unwrap_or_else(PoisonError::into_inner) = Some(result);
        Ok(())
    }

    /// Reports how far the task has come: a fraction from 0 to 1, and a text, both to be read by
    /// [`Queue::task`](crate::Queue::task).
    ///
    /// It only takes note, so that it can be called often: the last report is written with the task's result, or
    /// within [`NOTE_DELAY`](crate::limits::NOTE_DELAY). A power cut may lose it. A fraction out of range is brought
    /// into it, and a text longer than [`PROGRESS_BYTES_MAX`](crate::limits::PROGRESS_BYTES_MAX) is cut.
    pub fn progress(&self, fraction: f64, text: impl AsRef<str>) {
        self.attempt.progress(fraction, text.as_ref());
    }

    /// Logs a line with the task, to be read by [`Queue::task`](crate::Queue::task): the last
    /// [`LOG_LINES_MAX`](crate::limits::LOG_LINES_MAX) of a task are kept, over all its attempts.
    ///
    /// It is written as a progress is. A line longer than [`LOG_LINE_BYTES_MAX`](crate::limits::LOG_LINE_BYTES_MAX)
    /// is cut.
    pub fn log(&self, line: impl AsRef<str>) {
        self.attempt.log(line.as_ref());
    }

    /// Keeps where the handler is, for the next attempt to [resume](TaskContext::resume) from; the last checkpoint
    /// counts. Durable when this returns `Ok`.
    ///
    /// # Errors
    /// [`Error::InvalidInput`](crate::Error::InvalidInput) for more than
    /// [`CHECKPOINT_BYTES_MAX`](crate::limits::CHECKPOINT_BYTES_MAX);
    /// [`Error::LeaseLost`](crate::Error::LeaseLost) if the task is no longer held: another attempt may have begun; an
    /// engine's failure.
    ///
    /// # Examples
    /// ```
    /// use prismq::{TaskContext, TaskError};
    ///
    /// fn import(task: &TaskContext<'_>) -> Result<(), TaskError> {
    ///     let done = task.resume()?.unwrap_or_default();
    ///     let lines = std::str::from_utf8(task.payload())?.lines().enumerate();
    ///     for (number, line) in lines.skip(done.len()) {
    ///         println!("importing {line}");
    ///         task.checkpoint(vec![b'.'; number + 1])?; // the next attempt begins after this line
    ///     }
    ///     Ok(())
    /// }
    /// # let _: fn(&TaskContext<'_>) -> Result<(), TaskError> = import;
    /// ```
    pub fn checkpoint(&self, data: impl Into<Arc<[u8]>>) -> Result<()> {
        self.attempt.checkpoint(data.into())
    }

    /// The last checkpoint of the task, of this attempt or an earlier one; `None` if there was none.
    ///
    /// # Errors
    /// An engine's failure.
    pub fn resume(&self) -> Result<Option<Vec<u8>>> {
        self.attempt.resume()
    }

    /// The attempt, and what the task results in as far as the handler has set it.
    pub(crate) fn parts(&self) -> (&Attempt, Option<Arc<[u8]>>) {
        let result = self.result.lock().unwrap_or_else(PoisonError::into_inner);
        (self.attempt, result.clone())
    }
}
