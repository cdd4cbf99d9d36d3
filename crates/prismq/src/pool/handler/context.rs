//! What a handler of a typed task is called with, next to the value.

use std::any::Any;
use std::fmt;
use std::sync::Arc;
use std::time::Instant;

#[cfg(feature = "json")]
use serde::{Serialize, de::DeserializeOwned};

use super::attempt::Attempt;
use super::cancel::CancelReason;
use super::registry::Returned;
#[cfg(feature = "json")]
use crate::model::TaskError;
use crate::model::{Payload, Result, TaskId};
use crate::time::Timestamp;

/// One attempt at a typed task, and the state that its pool was given.
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
    state: Arc<S>,
    /// Encodes a value if it is of the type of the task's output.
    encode: fn(&dyn Any) -> Returned,
}

impl<S> Context<S> {
    /// The context of an attempt whose payload is decoded, and no longer needed.
    pub(in crate::pool) fn new(
        mut attempt: Attempt,
        state: Arc<S>,
        encode: fn(&dyn Any) -> Returned,
    ) -> Self {
        attempt.lease.payload = Payload::unread();
        Self { attempt: Arc::new(attempt), state, encode }
    }

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

    /// Keeps where the handler is, as bytes: see [`TaskContext::checkpoint`](crate::TaskContext::checkpoint).
    ///
    /// # Errors
    /// See there.
    pub fn checkpoint_bytes(&self, data: impl Into<Arc<[u8]>>) -> Result<()> {
        self.attempt.checkpoint(data.into())
    }

    /// The last checkpoint as bytes: see [`TaskContext::resume`](crate::TaskContext::resume).
    ///
    /// # Errors
    /// See there.
    pub fn resume_bytes(&self) -> Result<Option<Vec<u8>>> {
        self.attempt.resume()
    }

    /// The attempt.
    pub(crate) fn of_attempt(&self) -> &Attempt {
        &self.attempt
    }

    /// A value as the task's result, if it is of the type of its output.
    pub(crate) fn result_of(&self, value: &dyn Any) -> Returned {
        (self.encode)(value)
    }
}

#[cfg(feature = "json")]
impl<S> Context<S> {
    /// Keeps where the handler is, as JSON, for the next attempt to [resume](Context::resume) from; the last checkpoint
    /// counts. Durable when this returns `Ok`.
    ///
    /// # Errors
    /// A value that JSON cannot hold, or that is larger than
    /// [`CHECKPOINT_BYTES_MAX`](crate::limits::CHECKPOINT_BYTES_MAX); a lost lease: another attempt may have begun; an
    /// engine's failure.
    ///
    /// # Examples
    /// ```
    /// use prismq::{Context, Task, TaskResult};
    /// use serde::{Deserialize, Serialize};
    ///
    /// #[derive(Task, Serialize, Deserialize)]
    /// struct Import {
    ///     lines: Vec<String>,
    /// }
    ///
    /// fn import(task: Import, cx: Context) -> TaskResult {
    ///     let done = cx.resume()?.unwrap_or(0); // where an earlier attempt stopped
    ///     for (number, line) in task.lines.iter().enumerate().skip(done) {
    ///         println!("importing {line}");
    ///         cx.progress(number as f64 / task.lines.len() as f64, "lines");
    ///         cx.checkpoint(&(number + 1))?;
    ///     }
    ///     Ok(())
    /// }
    /// # let _: fn(Import, Context) -> TaskResult = import;
    /// ```
    pub fn checkpoint(&self, value: &impl Serialize) -> Result<(), TaskError> {
        let data = serde_json::to_vec(value)?;
        Ok(self.attempt.checkpoint(data.into())?)
    }

    /// The last checkpoint of the task, of this attempt or an earlier one; `None` if there was none.
    ///
    /// # Errors
    /// A checkpoint that is not a valid `T`, as one of another version of the program; an engine's failure.
    pub fn resume<T: DeserializeOwned>(&self) -> Result<Option<T>, TaskError> {
        let Some(data) = self.attempt.resume()? else { return Ok(None) };
        let value = serde_json::from_slice(&data);
        value.map(Some).map_err(|error| {
            TaskError::new(error).in_context(format_args!("the checkpoint cannot be read"))
        })
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
