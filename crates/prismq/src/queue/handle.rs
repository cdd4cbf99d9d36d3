//! What an enqueue returns: a task to come back to.

use std::fmt;
use std::future::Future;
use std::marker::PhantomData;
use std::time::Duration;

use super::{CancelOutcome, Queue, Submission};
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

    /// [`Handle::info`] as a future.
    ///
    /// # Errors
    /// See [`Queue::task`] and [`Queue::blocking`].
    pub fn info_async(&self) -> impl Future<Output = Result<Option<TaskInfo>>> + Send + use<T> {
        let id = self.id();
        self.queue.blocking(move |queue| queue.task(id))
    }

    /// [`Handle::cancel`] as a future.
    ///
    /// # Errors
    /// See [`Queue::cancel`].
    pub fn cancel_async(&self) -> Submission<CancelOutcome> {
        self.queue.cancel_async(self.id())
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

    /// [`Handle::result`] as a future.
    ///
    /// # Errors
    /// See [`Queue::result`] and [`Queue::blocking`].
    pub fn result_async(&self) -> impl Future<Output = Result<Option<Ending>>> + Send + use<> {
        let id = self.id();
        self.queue.blocking(move |queue| queue.result(id))
    }

    /// Waits for the task to end, and returns how: see [`Queue::wait_async`].
    ///
    /// # Errors
    /// See [`Queue::wait_async`].
    pub fn wait_async(&self) -> impl Future<Output = Result<Ending>> + Send + use<> {
        self.queue.wait_async(self.id())
    }
}

impl<T: Task> Handle<T> {
    /// How the task ended, with its output, if it has ended: see [`Queue::result`].
    ///
    /// # Errors
    /// See [`Queue::result`]; [`Error::InvalidInput`](crate::Error::InvalidInput) if what is kept is not a valid output
    /// of `T`.
    pub fn result(&self) -> Result<Option<Ending<T::Output>>> {
        let ended = self.queue.result(self.id())?;
        ended.map(|ending| decoded::<T>(self.id(), ending)).transpose()
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
        let ended = self.queue.wait(self.id(), timeout)?;
        ended.map(|ending| decoded::<T>(self.id(), ending)).transpose()
    }

    /// [`Handle::result`] as a future.
    ///
    /// # Errors
    /// See [`Handle::result`] and [`Queue::blocking`].
    pub fn result_async(
        &self,
    ) -> impl Future<Output = Result<Option<Ending<T::Output>>>> + Send + use<T> {
        let id = self.id();
        self.queue.blocking(move |queue| {
            queue.result(id)?.map(|ending| decoded::<T>(id, ending)).transpose()
        })
    }

    /// Waits for the task to end, and returns how, with its output: see [`Queue::wait_async`].
    ///
    /// # Errors
    /// See [`Queue::wait_async`] and [`Handle::result`].
    ///
    /// # Examples
    /// ```
    /// use prismq::{Ending, Queue, Task};
    /// use serde::{Deserialize, Serialize};
    ///
    /// #[derive(Task, Serialize, Deserialize)]
    /// #[task(output = u64)]
    /// struct Square {
    ///     of: u64,
    /// }
    ///
    /// /// Answers a request with the output of a task.
    /// async fn square(queue: &Queue, of: u64) -> prismq::Result<Option<u64>> {
    ///     let handle = queue.enqueue_async(Square { of }).await?;
    ///     match handle.wait_async().await? {
    ///         Ending::Completed(square) => Ok(square),
    ///         _ => Ok(None),
    ///     }
    /// }
    /// ```
    pub fn wait_async(&self) -> impl Future<Output = Result<Ending<T::Output>>> + Send + use<T> {
        let (id, ended) = (self.id(), self.queue.wait_async(self.id()));
        async move { decoded::<T>(id, ended.await?) }
    }
}

/// How a task ended, with what its codec makes of its result.
fn decoded<T: Task>(id: TaskId, ending: Ending) -> Result<Ending<T::Output>> {
    Ok(match ending {
        Ending::Completed(None) => Ending::Completed(None),
        Ending::Completed(Some(result)) => {
            Ending::Completed(Some(decode_output::<T>(id, &result)?))
        }
        Ending::Dead(error) => Ending::Dead(error),
        Ending::Cancelled => Ending::Cancelled,
        Ending::NotKept => Ending::NotKept,
    })
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
