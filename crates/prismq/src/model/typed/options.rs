//! The defaults of a task type.

use std::sync::Arc;
use std::time::Duration;

use crate::model::{Names, NewTask, RetryPolicy, Unique};

/// The defaults of a task type: of its tasks when they are enqueued, and of its handler in a pool. What is not set is as
/// for a [`NewTask`] of bytes.
///
/// # Examples
/// ```
/// use std::time::Duration;
/// use prismq::{RetryPolicy, TaskOptions};
///
/// let options = TaskOptions::new()
///     .queue("mail")
///     .priority(10)
///     .max_attempts(8)
///     .backoff(RetryPolicy::fixed(Duration::from_secs(60)))
///     .timeout(Duration::from_secs(30));
/// ```
#[derive(Debug, Clone, PartialEq, Default)]
pub struct TaskOptions {
    pub(crate) queue: Option<Arc<str>>,
    pub(crate) priority: Option<i32>,
    pub(crate) max_attempts: Option<u32>,
    pub(crate) requirements: Names,
    pub(crate) limit: Option<Arc<str>>,
    pub(crate) unique: Option<Unique>,
    pub(crate) expires_after: Option<Duration>,
    pub(crate) keep: Option<Duration>,
    pub(crate) backoff: Option<RetryPolicy>,
    pub(crate) timeout: Option<Duration>,
}

impl TaskOptions {
    /// Nothing set.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// The queue of its tasks: see [`NewTask::queue`]. A pool that names no queue serves that of its handlers' types.
    #[must_use]
    pub fn queue(mut self, queue: impl Into<Arc<str>>) -> Self {
        self.queue = Some(queue.into());
        self
    }

    /// The priority of its tasks: see [`NewTask::priority`].
    #[must_use]
    pub const fn priority(mut self, priority: i32) -> Self {
        self.priority = Some(priority);
        self
    }

    /// Most attempts of its tasks: see [`NewTask::max_attempts`].
    #[must_use]
    pub const fn max_attempts(mut self, max_attempts: u32) -> Self {
        self.max_attempts = Some(max_attempts);
        self
    }

    /// What a worker must have: see [`NewTask::requires`].
    #[must_use]
    pub fn requires<N: Into<Arc<str>>>(mut self, names: impl IntoIterator<Item = N>) -> Self {
        self.requirements = Names::new(names);
        self
    }

    /// The limit that its tasks are under: see [`NewTask::limit`].
    #[must_use]
    pub fn limit(mut self, name: impl Into<Arc<str>>) -> Self {
        self.limit = Some(name.into());
        self
    }

    /// When its tasks are duplicates of each other: see [`NewTask::unique`].
    #[must_use]
    pub fn unique(mut self, unique: Unique) -> Self {
        self.unique = Some(unique);
        self
    }

    /// How long after it was enqueued a task must have started: see [`NewTask::expires_after`].
    #[must_use]
    pub const fn expires_after(mut self, time: Duration) -> Self {
        self.expires_after = Some(time);
        self
    }

    /// How long its tasks are kept after they ended: completed, cancelled and dead ones; by the retention of their queue
    /// ([`Queue::set_retention`](crate::Queue::set_retention)) unless set, which does not count and does not delete them
    /// then. A pool that has a handler for the type keeps it in the file when it starts, so that it holds in every
    /// process, unless an operator has set another
    /// ([`Queue::set_type_retention`](crate::Queue::set_type_retention)).
    #[must_use]
    pub const fn keep(mut self, age: Duration) -> Self {
        self.keep = Some(age);
        self
    }

    /// When a failed attempt is retried; by the handle's policy ([`QueueBuilder::retry`](crate::QueueBuilder::retry))
    /// unless set. A pool that has a handler for the type keeps it in the file when it starts, so that every process
    /// retries by it, unless an operator has set another ([`Queue::set_retry`](crate::Queue::set_retry)).
    #[must_use]
    pub const fn backoff(mut self, policy: RetryPolicy) -> Self {
        self.backoff = Some(policy);
        self
    }

    /// The time limit of its handler: see [`WorkerPoolBuilder::timeout`](crate::WorkerPoolBuilder::timeout).
    #[must_use]
    pub const fn timeout(mut self, limit: Duration) -> Self {
        self.timeout = Some(limit);
        self
    }

    /// A task with these defaults.
    pub(crate) fn apply(self, task: NewTask) -> NewTask {
        let task = NewTask {
            queue: self.queue.unwrap_or(task.queue),
            priority: self.priority.unwrap_or(task.priority),
            max_attempts: self.max_attempts.unwrap_or(task.max_attempts),
            requirements: self.requirements,
            unique: self.unique,
            expires_after: self.expires_after,
            ..task
        };
        match self.limit {
            Some(limit) => task.limit(limit),
            None => task,
        }
    }
}
