//! Adding tasks.

mod room;

use super::{Handle, Queue};
use crate::engine::{Answer, Operation};
use crate::model::limits::ENQUEUE_BATCH_MAX;
use crate::model::{Enqueued, Error, IntoTask, NewTask, Result};

impl Queue {
    /// Adds a task: a typed value, or a [`NewTask`]. When this returns `Ok`, the task is durable.
    ///
    /// # Errors
    /// [`Error::InvalidInput`] for an argument outside [`crate::limits`], or a value that its codec cannot encode;
    /// [`Error::QueueFull`], which has the task, if its queue holds as many as it may; [`Error::Full`], [`Error::Busy`],
    /// [`Error::Overloaded`] or an engine's failure: the task was not added.
    ///
    /// # Examples
    /// ```
    /// use std::time::Duration;
    /// use prismq::{NewTask, Queue, Task};
    /// use serde::{Deserialize, Serialize};
    ///
    /// #[derive(Task, Serialize, Deserialize)]
    /// struct Welcome {
    ///     user: i64,
    /// }
    ///
    /// # fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # let folder = tempfile::tempdir()?;
    /// # let queue = Queue::open(folder.path().join("queue.db"))?;
    /// queue.enqueue(Welcome { user: 7 })?;
    /// queue.enqueue(Welcome { user: 8 }.task().delay(Duration::from_secs(60)))?;
    /// let handle = queue.enqueue(NewTask::new("mail", *b"bytes"))?;
    /// println!("task {}", handle.id());
    /// # Ok(())
    /// # }
    /// ```
    pub fn enqueue<T>(&self, task: impl IntoTask<T>) -> Result<Handle<T>> {
        let added = self.add(vec![task.into_task().untyped()])?;
        let added = added.first().copied().ok_or_else(Error::unanswered)?;
        Ok(Handle::new(self, added))
    }

    /// Adds tasks, all or none, in one transaction; the handles are in the order of the tasks.
    ///
    /// Tasks of several types are added together once their types are left out: [`NewTask::untyped`].
    ///
    /// # Errors
    /// See [`Queue::enqueue`].
    pub fn enqueue_all<T>(
        &self,
        tasks: impl IntoIterator<Item = impl IntoTask<T>>,
    ) -> Result<Vec<Handle<T>>> {
        let added = self.add(untyped(tasks))?;
        Ok(added.into_iter().map(|added| Handle::new(self, added)).collect())
    }

    fn add(&self, tasks: Vec<NewTask>) -> Result<Vec<Enqueued>> {
        NewTask::validate_batch(&tasks)?;
        if tasks.is_empty() {
            return Ok(Vec::new());
        }
        enqueued(self.core.submit(Operation::Enqueue(with_digests(tasks)))?)
    }
}

/// The tasks as they are submitted: what takes long is computed ahead of the transaction.
pub(super) fn with_digests(tasks: Vec<NewTask>) -> Vec<NewTask> {
    tasks.into_iter().map(NewTask::with_digest).collect()
}

/// What became of tasks that were enqueued.
pub(super) fn enqueued(answer: Answer) -> Result<Vec<Enqueued>> {
    match answer {
        Answer::Enqueued(added) => Ok(added),
        _ => Err(Error::unanswered()),
    }
}

/// The tasks of one call, up to one more than are allowed.
pub(crate) fn untyped<T>(tasks: impl IntoIterator<Item = impl IntoTask<T>>) -> Vec<NewTask> {
    let tasks = tasks.into_iter().take(ENQUEUE_BATCH_MAX.saturating_add(1));
    tasks.map(|task| task.into_task().untyped()).collect()
}
