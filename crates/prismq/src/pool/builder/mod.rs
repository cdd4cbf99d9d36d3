//! The settings of a pool.

#[cfg(feature = "tokio")]
mod futures;
mod run;
mod start;
mod typed;

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use super::handler::{Handler, Registry};
use super::threads::notifier::Listeners;
use super::{Event, PoolQueues};
use crate::core::Core;
use crate::model::limits::{PREFETCH_DEFAULT, SHUTDOWN_DEFAULT};
use crate::model::{DEFAULT_LEASE, Error, Names, Task, TaskError, TaskOptions};

/// The settings of a pool: each but the handlers has a default.
///
/// ```
/// use std::time::Duration;
/// use prismq::{Outcome, Queue, TaskError, WorkerPool};
///
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # let folder = tempfile::tempdir()?;
/// let queue = Queue::open(folder.path().join("queue.db"))?;
/// let pool = WorkerPool::builder(&queue)
///     .queue("mails")
///     .workers(8)
///     .timeout(Duration::from_secs(30))
///     .handle_bytes("mail", |payload, _cx| match &*payload {
///         [] => Err(TaskError::permanent("no address")),
///         _ => Ok(()),
///     })
///     .on_event(|event| {
///         if event.outcome == Outcome::Dead {
///             eprintln!("task {} is dead after {} attempts", event.id, event.attempt);
///         }
///     })
///     .start()?;
/// assert!(pool.is_running());
/// # Ok(())
/// # }
/// ```
#[must_use = "call start()"]
pub struct WorkerPoolBuilder<S = ()> {
    core: Core,
    /// That of the typed handlers' tasks if none is set.
    queues: Option<PoolQueues>,
    queues_set_twice: bool,
    /// As many as suits the handlers if it is not set.
    workers: Option<usize>,
    prefetch: usize,
    lease: Duration,
    capabilities: Names,
    registry: Registry,
    registered_twice: Option<Arc<str>>,
    timeout: Option<Duration>,
    timeouts: HashMap<Arc<str>, Duration>,
    listeners: Listeners,
    shutdown_timeout: Duration,
    /// What handlers share.
    state: Arc<S>,
}

impl WorkerPoolBuilder {
    pub(super) fn new(core: Core) -> Self {
        Self {
            core,
            queues: None,
            queues_set_twice: false,
            workers: None,
            prefetch: PREFETCH_DEFAULT,
            lease: DEFAULT_LEASE,
            capabilities: Names::default(),
            registry: Registry::default(),
            registered_twice: None,
            timeout: None,
            timeouts: HashMap::new(),
            listeners: Listeners::default(),
            shutdown_timeout: SHUTDOWN_DEFAULT,
            state: Arc::new(()),
        }
    }
}

impl<S> WorkerPoolBuilder<S> {
    /// The queue whose tasks to run. Unless set, it is the one that the typed handlers' tasks are enqueued to
    /// ([`TaskOptions::queue`]), or else `default`. For several queues, see [`WorkerPoolBuilder::queues`].
    pub fn queue(self, name: impl Into<Arc<str>>) -> Self {
        self.queues(PoolQueues::in_order([name]))
    }

    /// The queues whose tasks to run, in strict order or by share: see [`PoolQueues`]. Every handler runs the tasks of
    /// its type in all of them. To be set once, all in one call.
    pub fn queues(mut self, queues: PoolQueues) -> Self {
        self.queues_set_twice |= self.queues.replace(queues).is_some();
        self
    }

    /// How many handlers run at once. Unless set, as many as the machine has cores; in a pool with asynchronous handlers
    /// (feature `tokio`), 100.
    pub const fn workers(mut self, workers: usize) -> Self {
        self.workers = Some(workers);
        self
    }

    /// The most tasks to claim ahead of the workers; 2048 unless set, none if 0. Of these the pool holds what
    /// its workers are expected to begin within 20 ms, by how long handlers of each type take, and releases
    /// what turns out to be more.
    pub const fn prefetch(mut self, prefetch: usize) -> Self {
        self.prefetch = prefetch;
        self
    }

    /// How long after the death of the process others may claim its tasks; 60 seconds unless set, at least
    /// [`POOL_LEASE_MIN`](crate::limits::POOL_LEASE_MIN). While the pool lives, it extends the leases of the tasks it holds by itself.
    pub const fn lease(mut self, lease: Duration) -> Self {
        self.lease = lease;
        self
    }

    /// What the workers can serve: tasks that require anything else are not claimed.
    pub fn capabilities<T: Into<Arc<str>>>(mut self, names: impl IntoIterator<Item = T>) -> Self {
        self.capabilities = Names::new(names);
        self
    }

    fn register(mut self, task_type: Arc<str>, options: TaskOptions, handler: Handler) -> Self {
        if !self.registry.add(task_type.clone(), options, handler) {
            self.registered_twice = Some(task_type);
        }
        self
    }

    /// The time limit of handlers whose type has none of its own; no limit unless set.
    ///
    /// A handler that takes longer is notified ([`CancelReason::Timeout`](crate::CancelReason::Timeout)). If it returns within
    /// [`TIMEOUT_GRACE`](crate::limits::TIMEOUT_GRACE), or its limit where that is shorter, its result
    /// counts, an error as a timeout; otherwise its attempt is recorded as failed, and its worker takes no
    /// tasks until it returns. If it is a future, it is dropped then, and its worker is free.
    pub const fn timeout(mut self, limit: Duration) -> Self {
        self.timeout = Some(limit);
        self
    }

    /// The time limit of handlers of this type: see [`WorkerPoolBuilder::timeout`].
    pub fn timeout_of(mut self, task_type: impl Into<Arc<str>>, limit: Duration) -> Self {
        self.timeouts.insert(task_type.into(), limit);
        self
    }

    /// Decides when failed tasks of type `T` are retried: called with the number of the attempt, from 1, and its error, it
    /// returns the delay until the next attempt, or `None` to make the task a dead letter.
    ///
    /// It is not asked where the error says what follows ([`TaskError::retry_after`] and the like), nor after the last
    /// attempt. It lives in this process and decides on what its pool runs; the policy of the type
    /// ([`TaskOptions::backoff`]) is in the file, and holds where no closure decides: for pools without one, and for
    /// callers of [`Queue::fail`](crate::Queue::fail). A policy that an operator has set
    /// ([`Queue::set_retry`](crate::Queue::set_retry)) comes before the closure.
    ///
    /// It is called on the thread that commits for the pool, and must not block; for one failure perhaps again, if the
    /// commit is repeated. If it panics, which is logged, the stored policy holds.
    ///
    /// # Examples
    /// ```
    /// use std::time::Duration;
    /// use prismq::{Queue, Task, WorkerPool};
    /// use serde::{Deserialize, Serialize};
    ///
    /// #[derive(Task, Serialize, Deserialize)]
    /// struct Report {
    ///     day: String,
    /// }
    ///
    /// # fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # let folder = tempfile::tempdir()?;
    /// # let queue = Queue::open(folder.path().join("queue.db"))?;
    /// let pool = WorkerPool::builder(&queue)
    ///     .handle(|report: Report, _cx| Ok(println!("report of {}", report.day)))
    ///     .retry::<Report>(|attempt, error| match error.text() {
    ///         "no such day" => None,
    ///         _ => Some(Duration::from_secs(u64::from(attempt).pow(2))),
    ///     })
    ///     .start()?;
    /// # Ok(())
    /// # }
    /// ```
    pub fn retry<T: Task>(
        self,
        decide: impl Fn(u32, &TaskError) -> Option<Duration> + Send + Sync + 'static,
    ) -> Self {
        self.retry_of(T::TYPE, decide)
    }

    /// Decides when failed tasks of this type are retried: see [`WorkerPoolBuilder::retry`].
    pub fn retry_of(
        mut self,
        task_type: impl Into<Arc<str>>,
        decide: impl Fn(u32, &TaskError) -> Option<Duration> + Send + Sync + 'static,
    ) -> Self {
        self.registry.set_retry(task_type.into(), Box::new(decide));
        self
    }

    /// How long running handlers have to return where the pool ends by itself: in [`WorkerPoolBuilder::run`] and
    /// [`WorkerPoolBuilder::run_until_empty`], and when the [`WorkerPool`](crate::WorkerPool) is dropped;
    /// [`SHUTDOWN_DEFAULT`] (30 seconds) unless set.
    pub const fn shutdown_timeout(mut self, timeout: Duration) -> Self {
        self.shutdown_timeout = timeout;
        self
    }

    /// Called with the outcome of each attempt after its commit, on a thread of its own. A slow listener delays
    /// events only; the pool claims nothing while [`EVENTS_MAX`](crate::limits::EVENTS_MAX) of them wait.
    pub fn on_event(mut self, listener: impl Fn(&Event) + Send + 'static) -> Self {
        self.listeners.on_event = Some(Box::new(listener));
        self
    }

    /// Called when a fault of the queue suspends or stops the pool, on the thread of
    /// [`WorkerPoolBuilder::on_event`]; see [`WorkerPool::error`](crate::WorkerPool::error) for the
    /// difference.
    pub fn on_stop(mut self, listener: impl Fn(&Error) + Send + 'static) -> Self {
        self.listeners.on_stop = Some(Box::new(listener));
        self
    }
}
