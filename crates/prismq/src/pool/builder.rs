//! The settings of a pool, and starting its threads.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::mpsc::channel;
use std::thread;
use std::time::Duration;

use super::registry::Registry;
use super::scheduler::Settings;
use super::scheduler::SuspectGate;
use super::shared::Shared;
use super::threads;
use super::threads::notifier::Listeners;
use super::{Event, TaskContext, WorkerPool};
use crate::core::Core;
use crate::engine::Watch;
use crate::model::limits::{
    POOL_LEASE_MIN, PREFETCH_DEFAULT, PREFETCH_MAX, TIMEOUT_MAX, WORKERS_MAX,
};
use crate::model::{Claim, DEFAULT_LEASE, DEFAULT_QUEUE, Error, Names, Result, TaskError};

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
///     .handler("mail", |task| match task.payload() {
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
pub struct WorkerPoolBuilder {
    core: Core,
    name: Arc<str>,
    workers: usize,
    prefetch: usize,
    lease: Duration,
    capabilities: Names,
    registry: Registry,
    registered_twice: Option<Arc<str>>,
    timeout: Option<Duration>,
    timeouts: HashMap<Arc<str>, Duration>,
    listeners: Listeners,
}

impl WorkerPoolBuilder {
    pub(super) fn new(core: Core) -> Self {
        Self {
            core,
            name: DEFAULT_QUEUE.into(),
            workers: thread::available_parallelism().map_or(1, std::num::NonZero::get),
            prefetch: PREFETCH_DEFAULT,
            lease: DEFAULT_LEASE,
            capabilities: Names::default(),
            registry: Registry::default(),
            registered_twice: None,
            timeout: None,
            timeouts: HashMap::new(),
            listeners: Listeners::default(),
        }
    }

    /// The queue whose tasks to run; `default` unless set.
    pub fn queue(mut self, name: impl Into<Arc<str>>) -> Self {
        self.name = name.into();
        self
    }

    /// How many handlers run at once; as many as the machine has cores unless set.
    pub const fn workers(mut self, workers: usize) -> Self {
        self.workers = workers;
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
    /// [`POOL_LEASE_MIN`]. While the pool lives, it extends the leases of the tasks it holds by itself.
    pub const fn lease(mut self, lease: Duration) -> Self {
        self.lease = lease;
        self
    }

    /// What the workers can serve: tasks that require anything else are not claimed.
    pub fn capabilities<T: Into<Arc<str>>>(mut self, names: impl IntoIterator<Item = T>) -> Self {
        self.capabilities = Names::new(names);
        self
    }

    /// The handler of tasks of this type. Types without a handler are never claimed.
    pub fn handler(
        mut self,
        task_type: impl Into<Arc<str>>,
        handler: impl Fn(&TaskContext<'_>) -> Result<(), TaskError> + Send + Sync + 'static,
    ) -> Self {
        let task_type = task_type.into();
        if !self.registry.add(task_type.clone(), handler) {
            self.registered_twice = Some(task_type);
        }
        self
    }

    /// The time limit of handlers whose type has none of its own; no limit unless set.
    ///
    /// A handler that takes longer is notified ([`TaskContext::timed_out`]). If it returns within
    /// [`TIMEOUT_GRACE`](crate::limits::TIMEOUT_GRACE), or its limit where that is shorter, its result
    /// counts, an error as a timeout; otherwise its attempt is recorded as failed, and its worker takes no
    /// tasks until it returns.
    pub const fn timeout(mut self, limit: Duration) -> Self {
        self.timeout = Some(limit);
        self
    }

    /// The time limit of handlers of this type: see [`WorkerPoolBuilder::timeout`].
    pub fn timeout_of(mut self, task_type: impl Into<Arc<str>>, limit: Duration) -> Self {
        self.timeouts.insert(task_type.into(), limit);
        self
    }

    /// Called with the outcome of each attempt after its commit, on a thread of its own. A slow listener delays
    /// events only; the pool claims nothing while [`EVENTS_MAX`](crate::limits::EVENTS_MAX) of them wait.
    pub fn on_event(mut self, listener: impl Fn(&Event) + Send + 'static) -> Self {
        self.listeners.on_event = Some(Box::new(listener));
        self
    }

    /// Called when a fault of the queue suspends or stops the pool, on the thread of
    /// [`WorkerPoolBuilder::on_event`]; see [`WorkerPool::error`] for the difference.
    pub fn on_stop(mut self, listener: impl Fn(&Error) + Send + 'static) -> Self {
        self.listeners.on_stop = Some(Box::new(listener));
        self
    }

    /// Starts the threads.
    ///
    /// # Errors
    /// [`Error::InvalidInput`] for a setting outside [`crate::limits`], no handler, or two for one type;
    /// [`Error::Thread`] if a thread cannot be started: those already started are then stopped;
    /// [`Error::Forked`] in a fork of the process that opened the queue.
    pub fn start(self) -> Result<WorkerPool> {
        self.validate()?;
        let timeouts = self.timeouts()?;
        let claim = self.claim();
        let Watch { changes, poll_interval } = self.core.engine()?.watch();
        let settings = Settings {
            workers: self.workers,
            prefetch: self.prefetch,
            lease: self.lease,
            poll_interval,
            timeouts,
            gate: SuspectGate::of_process(),
        };
        let (notices, received) = channel();
        let listeners = (!self.listeners.is_empty()).then_some((self.listeners, received));
        let notices = listeners.is_some().then_some(notices);
        let shared = Shared::new(self.core, self.registry, claim, settings, notices);
        threads::start(Arc::new(shared), self.workers, listeners, changes)
    }

    fn claim(&self) -> Claim {
        Claim {
            capabilities: self.capabilities.clone(),
            ..Claim::new(self.registry.types()).queue(self.name.clone()).lease(self.lease)
        }
    }

    fn validate(&self) -> Result<()> {
        self.claim().validate()?;
        if let Some(task_type) = &self.registered_twice {
            return Err(Error::invalid(
                "handler",
                format!("task type {task_type:?} has two handlers"),
            ));
        }
        if !(1..=WORKERS_MAX).contains(&self.workers) {
            let reason = format!("{}, must be 1 to {WORKERS_MAX}", self.workers);
            return Err(Error::invalid("workers", reason));
        }
        if self.prefetch > PREFETCH_MAX {
            let reason = format!("{}, must be 0 to {PREFETCH_MAX}", self.prefetch);
            return Err(Error::invalid("prefetch", reason));
        }
        if self.lease < POOL_LEASE_MIN {
            let reason = format!(
                "{:?}, must be at least {POOL_LEASE_MIN:?} for a pool to extend it in time",
                self.lease
            );
            return Err(Error::invalid("lease", reason));
        }
        Ok(())
    }

    /// The time limit of each type's handler, by the type's index.
    fn timeouts(&self) -> Result<Vec<Option<Duration>>> {
        let mut limits = vec![self.timeout; self.registry.len()];
        for (task_type, limit) in &self.timeouts {
            let place = self.registry.index(task_type).and_then(|index| limits.get_mut(index));
            let Some(place) = place else {
                let reason = format!("set for task type {task_type:?}, which has no handler");
                return Err(Error::invalid("timeout", reason));
            };
            *place = Some(*limit);
        }
        let invalid = |limit: &&Duration| limit.is_zero() || **limit > TIMEOUT_MAX;
        if let Some(limit) = limits.iter().flatten().find(invalid) {
            let reason = format!("{limit:?}, must be above zero and at most {TIMEOUT_MAX:?}");
            return Err(Error::invalid("timeout", reason));
        }
        Ok(limits)
    }
}
