//! Reading tasks, counters and settings.

use std::time::Duration;

use super::Queue;
use crate::model::{
    Contention, Ending, LimitInfo, QueueInfo, QueueStats, Result, RetryInfo, TaskId, TaskInfo,
    TypeInfo, validate_name,
};
use crate::time::Moment;

impl Queue {
    /// The task with this id; `None` after it was completed, unless it is kept as history, and for an unknown id.
    ///
    /// # Errors
    /// An engine's failure.
    pub fn task(&self, id: TaskId) -> Result<Option<TaskInfo>> {
        let task = self.core.engine()?.task(id)?;
        Ok(task.map(|task| task.at_wall_clock(Moment::now(self.core.clock()))))
    }

    /// How a task ended: with its result, dead with its error, or not kept; `None` if it has not ended.
    ///
    /// # Errors
    /// An engine's failure.
    pub fn result(&self, id: TaskId) -> Result<Option<Ending>> {
        self.core.engine()?.ending(id)
    }

    /// Waits up to `timeout` for a task to end, and returns how: see [`Queue::result`]; `None` if it has not ended by
    /// then.
    ///
    /// It wakes when the task's end is committed, whichever process or connection does that; on a server up to a second
    /// later unless this queue or a clone of it did. A result can be returned only if the task's queue keeps a history:
    /// see [`Queue::set_history`].
    ///
    /// # Errors
    /// An engine's failure; [`Error::Thread`](crate::Error::Thread) if the thread that watches for commits of others
    /// cannot be started.
    ///
    /// # Examples
    /// ```
    /// use std::time::Duration;
    /// use prismq::{Ending, NewTask, Queue, WorkerPool};
    ///
    /// # fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # let folder = tempfile::tempdir()?;
    /// let queue = Queue::open(folder.path().join("queue.db"))?;
    /// queue.set_history("default", 1000)?; // the results of the last thousand tasks
    /// let pool = WorkerPool::builder(&queue)
    ///     .handle_bytes("square", |payload, cx| {
    ///         let number: u64 = std::str::from_utf8(&payload)?.parse()?;
    ///         Ok(cx.set_result((number * number).to_string().into_bytes())?)
    ///     })
    ///     .start()?;
    /// let square = queue.enqueue(NewTask::new("square", *b"12"))?;
    /// let ending = queue.wait(square.id(), Duration::from_secs(60))?;
    /// assert_eq!(ending, Some(Ending::Completed(Some(b"144".to_vec()))));
    /// # drop(pool);
    /// # Ok(())
    /// # }
    /// ```
    pub fn wait(&self, id: TaskId, timeout: Duration) -> Result<Option<Ending>> {
        self.core.wait(id, timeout)
    }

    /// The counters of a queue, at a cost independent of its size.
    ///
    /// # Errors
    /// [`Error::InvalidInput`](crate::Error::InvalidInput) for a name that no queue can have; an engine's failure.
    pub fn stats(&self, queue: &str) -> Result<QueueStats> {
        validate_name("queue name", queue)?;
        self.core.engine()?.stats(queue)
    }

    /// Every queue with its settings and counters, in the order of their names.
    ///
    /// # Errors
    /// An engine's failure.
    pub fn queues(&self) -> Result<Vec<QueueInfo>> {
        self.core.engine()?.queues()
    }

    /// Every type of tasks in each queue, in the order of their names; a type whose tasks require different things of
    /// a worker, once for each.
    ///
    /// # Errors
    /// An engine's failure.
    pub fn types(&self) -> Result<Vec<TypeInfo>> {
        self.core.engine()?.types()
    }

    /// The limits set in the file, by name, with the tasks that name them. Their waiting tasks are counted one by one.
    ///
    /// # Errors
    /// An engine's failure.
    pub fn limits(&self) -> Result<Vec<LimitInfo>> {
        self.core.engine()?.limits()
    }

    /// The retry policies of task types that are kept in the file, by type. A type that has none there is retried by the
    /// policy of its handle ([`QueueBuilder::retry`](crate::QueueBuilder::retry)).
    ///
    /// # Errors
    /// An engine's failure.
    pub fn retry_policies(&self) -> Result<Vec<RetryInfo>> {
        self.core.engine()?.retry_policies()
    }

    /// Statistics of this handle's writes.
    #[must_use]
    pub fn contention(&self) -> Contention {
        self.core.contention()
    }

    /// The engine's settings that matter for durability and speed, by name, read back from it.
    ///
    /// # Errors
    /// An engine's failure.
    pub fn settings(&self) -> Result<Vec<(String, String)>> {
        self.core.engine()?.settings()
    }
}
