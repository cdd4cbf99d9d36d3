//! What an enqueue returns: a task to come back to.

use std::fmt;
use std::marker::PhantomData;

use super::{CancelOutcome, Queue};
use crate::model::{Bytes, Result, TaskId, TaskInfo};

/// A task that was enqueued. It may be dropped: the task stays.
///
/// # Examples
/// ```
/// use prismq::{NewTask, Queue, State};
///
/// # fn main() -> Result<(), prismq::Error> {
/// # let folder = tempfile::tempdir().unwrap();
/// # let queue = Queue::open(folder.path().join("queue.db"))?;
/// let handle = queue.enqueue(NewTask::new("mail", *b"hello"))?;
/// let task = handle.info()?;
/// assert!(task.is_some_and(|task| task.id == handle.id() && task.state == State::Ready));
/// # Ok(())
/// # }
/// ```
pub struct Handle<T = Bytes> {
    queue: Queue,
    id: TaskId,
    payload_type: PhantomData<fn() -> T>,
}

impl<T> Handle<T> {
    pub(crate) fn new(queue: &Queue, id: TaskId) -> Self {
        Self { queue: queue.clone(), id, payload_type: PhantomData }
    }

    /// The task's id.
    #[must_use]
    pub const fn id(&self) -> TaskId {
        self.id
    }

    /// The task as it is now: see [`Queue::task`].
    ///
    /// # Errors
    /// See [`Queue::task`].
    pub fn info(&self) -> Result<Option<TaskInfo>> {
        self.queue.task(self.id)
    }

    /// Cancels the task: see [`Queue::cancel`].
    ///
    /// # Errors
    /// See [`Queue::cancel`].
    pub fn cancel(&self) -> Result<CancelOutcome> {
        self.queue.cancel(self.id)
    }
}

impl<T> Clone for Handle<T> {
    fn clone(&self) -> Self {
        Self::new(&self.queue, self.id)
    }
}

impl<T> fmt::Debug for Handle<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Handle").field("id", &self.id).finish_non_exhaustive()
    }
}
