//! What an enqueue returns: a task to come back to.

use std::fmt;
use std::marker::PhantomData;
use std::time::Duration;

use super::{CancelOutcome, Queue};
use crate::model::{Bytes, Ending, Enqueued, Result, Task, TaskId, TaskInfo, decode_output};

/// A task that was enqueued, or the one that holds its key ([`crate::Unique`]). It may be dropped: the task stays.
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
    enqueued: Enqueued,
    payload_type: PhantomData<fn() -> T>,
}

impl<T> Handle<T> {
    pub(crate) fn new(queue: &Queue, enqueued: Enqueued) -> Self {
        Self { queue: queue.clone(), enqueued, payload_type: PhantomData }
    }

    /// The task's id.
    #[must_use]
    pub const fn id(&self) -> TaskId {
        self.enqueued.id()
    }

    /// Whether the task was added: not if another one holds its key.
    #[must_use]
    pub const fn is_new(&self) -> bool {
        self.enqueued.is_new()
    }

    /// What became of the task when it was enqueued.
    #[must_use]
    pub const fn enqueued(&self) -> Enqueued {
        self.enqueued
    }

    /// The task as it is now: see [`Queue::task`].
    ///
    /// # Errors
    /// See [`Queue::task`].
    pub fn info(&self) -> Result<Option<TaskInfo>> {
        self.queue.task(self.id())
    }

    /// Cancels the task: see [`Queue::cancel`].
    ///
    /// # Errors
    /// See [`Queue::cancel`].
    pub fn cancel(&self) -> Result<CancelOutcome> {
        self.queue.cancel(self.id())
    }
}

impl Handle {
    /// How the task ended, if it has: see [`Queue::result`].
    ///
    /// # Errors
    /// See [`Queue::result`].
    pub fn result(&self) -> Result<Option<Ending>> {
        self.queue.result(self.id())
    }

    /// Waits up to `timeout` for the task to end: see [`Queue::wait`].
    ///
    /// # Errors
    /// See [`Queue::wait`].
    pub fn wait(&self, timeout: Duration) -> Result<Option<Ending>> {
        self.queue.wait(self.id(), timeout)
    }
}

impl<T: Task> Handle<T> {
    /// How the task ended, with its output, if it has ended: see [`Queue::result`].
    ///
    /// # Errors
    /// See [`Queue::result`]; [`Error::InvalidInput`](crate::Error::InvalidInput) if what is kept is not a valid output
    /// of `T`.
    pub fn result(&self) -> Result<Option<Ending<T::Output>>> {
        self.decoded(self.queue.result(self.id())?)
    }

    /// Waits up to `timeout` for the task to end, and returns how, with its output: see [`Queue::wait`].
    ///
    /// # Errors
    /// See [`Queue::wait`] and [`Handle::result`].
    ///
    /// # Examples
    /// ```
    /// use std::time::Duration;
    /// use prismq::{Ending, Queue, Task, WorkerPool};
    /// use serde::{Deserialize, Serialize};
    ///
    /// #[derive(Task, Serialize, Deserialize)]
    /// #[task(output = u64)]
    /// struct Square {
    ///     of: u64,
    /// }
    ///
    /// # fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # let folder = tempfile::tempdir()?;
    /// let queue = Queue::open(folder.path().join("queue.db"))?;
    /// queue.set_history("default", 1000)?; // keeps the results of the last thousand tasks
    /// let pool = WorkerPool::builder(&queue)
    ///     .handle(|task: Square, _| Ok(task.of * task.of))
    ///     .start()?;
    /// let square = queue.enqueue(Square { of: 12 })?;
    /// assert_eq!(square.wait(Duration::from_secs(60))?, Some(Ending::Completed(Some(144))));
    /// # drop(pool);
    /// # Ok(())
    /// # }
    /// ```
    pub fn wait(&self, timeout: Duration) -> Result<Option<Ending<T::Output>>> {
        self.decoded(self.queue.wait(self.id(), timeout)?)
    }

    fn decoded(&self, ending: Option<Ending>) -> Result<Option<Ending<T::Output>>> {
        Ok(match ending {
            None => None,
            Some(Ending::Completed(None)) => Some(Ending::Completed(None)),
            Some(Ending::Completed(Some(result))) => {
                Some(Ending::Completed(Some(decode_output::<T>(self.id(), &result)?)))
            }
            Some(Ending::Dead(error)) => Some(Ending::Dead(error)),
            Some(Ending::Cancelled) => Some(Ending::Cancelled),
            Some(Ending::NotKept) => Some(Ending::NotKept),
        })
    }
}

impl<T> Clone for Handle<T> {
    fn clone(&self) -> Self {
        Self::new(&self.queue, self.enqueued)
    }
}

impl<T> fmt::Debug for Handle<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Handle").field("enqueued", &self.enqueued).finish_non_exhaustive()
    }
}
