//! Checking the settings, and starting the threads.

use std::num::NonZero;
use std::sync::Arc;
use std::sync::mpsc::channel;
use std::thread;
use std::time::Duration;

#[cfg(feature = "tokio")]
use tokio::runtime::Handle;

use super::WorkerPoolBuilder;
use crate::engine::{Operation, Watch};
#[cfg(feature = "tokio")]
use crate::model::limits::ASYNC_WORKERS_DEFAULT;
use crate::model::limits::{POOL_LEASE_MIN, PREFETCH_MAX, TIMEOUT_MAX, WORKERS_MAX};
use crate::model::{Claim, DEFAULT_QUEUE, Error, Result, validate_age};
use crate::pool::queues::ServedQueue;
use crate::pool::scheduler::{Settings, SuspectGate};
use crate::pool::shared::Shared;
#[cfg(feature = "tokio")]
use crate::pool::tasks;
use crate::pool::threads;
use crate::pool::{PoolQueues, WorkerPool};

impl<S> WorkerPoolBuilder<S> {
    /// Starts the pool: its threads, and with asynchronous handlers its workers as tasks of the Tokio runtime that it is
    /// called in.
    ///
    /// # Errors
    /// [`Error::InvalidInput`] for a setting outside [`crate::limits`], no handler, or two for one type, or asynchronous
    /// handlers outside of a runtime;
    /// [`Error::Thread`] if a thread cannot be started: those already started are then stopped;
    /// [`Error::Forked`] in a fork of the process that opened the queue.
    pub fn start(self) -> Result<WorkerPool> {
        let queues = self.served_queues()?;
        let claims: Vec<Claim> = queues.iter().map(|queue| self.claim(&queue.name)).collect();
        self.validate(&claims)?;
        let timeouts = self.timeouts()?;
        #[cfg(feature = "tokio")]
        let runtime = self.runtime()?;
        let workers = self.worker_count();
        let shutdown_timeout = self.shutdown_timeout;
        self.keep_policies();
        let Watch { changes, poll_interval, poll_interval_alone } =
            self.core.engine()?.watch(&claims);
        let settings = Settings {
            workers,
            prefetch: self.prefetch,
            queues,
            lease: self.lease,
            poll_interval,
            poll_interval_alone,
            timeouts,
            gate: SuspectGate::of_process(),
            claims_in_parallel: self.core.engine()?.claims_in_parallel(),
        };
        let (notices, received) = channel();
        let listeners = (!self.listeners.is_empty()).then_some((self.listeners, received));
        let notices = listeners.is_some().then_some(notices);
        let shared = Shared::new(self.core, self.registry, claims, settings, notices);
        #[cfg(feature = "tokio")]
        if let Some(runtime) = runtime {
            let shared = Arc::new(shared.on_runtime());
            let pool = threads::start(shared.clone(), listeners, changes, shutdown_timeout)?;
            tasks::start(&shared, workers, &runtime);
            return Ok(pool);
        }
        let mut pool = threads::start(Arc::new(shared), listeners, changes, shutdown_timeout)?;
        pool.start_workers(workers)?;
        Ok(pool)
    }

    /// How many workers the pool has.
    fn worker_count(&self) -> usize {
        #[cfg(feature = "tokio")]
        if self.registry.has_futures() {
            return self.workers.unwrap_or(ASYNC_WORKERS_DEFAULT);
        }
        self.workers.unwrap_or_else(|| thread::available_parallelism().map_or(1, NonZero::get))
    }

    /// The runtime for asynchronous handlers, if there are some.
    #[cfg(feature = "tokio")]
    fn runtime(&self) -> Result<Option<Handle>> {
        if !self.registry.has_futures() {
            return Ok(None);
        }
        Handle::try_current().map(Some).map_err(|_| {
            let reason = "the pool has asynchronous handlers, but is not started in a Tokio runtime: \
                          call start() in asynchronous code, or after Runtime::enter()";
            Error::invalid("runtime", reason)
        })
    }

    /// Keeps the retry policies and retentions of the handlers' types in the file, for the processes that settle or delete
    /// their tasks without such a handler. The pool works without.
    fn keep_policies(&self) {
        let policies = self.registry.policies().filter(|(_, policy)| policy.validate().is_ok());
        let set = |(task_type, policy)| {
            let policy = Some(policy);
            Operation::SetRetry { task_type, policy, by_operator: false }
        };
        let kept = self.registry.kept().filter(|(_, age)| validate_age(*age).is_ok());
        let set_kept = |(task_type, age)| {
            let age = Some(age);
            Operation::SetTypeRetention { task_type, age, by_operator: false }
        };
        let operations = policies.map(set).chain(kept.map(set_kept)).collect();
        for error in self.core.submit_all(operations).into_iter().filter_map(Result::err) {
            tracing::warn!(
                %error,
                "the retry policy or the retention of a task type could not be kept in the file: \
                 others retry by their own policy and delete by the retention of the queue"
            );
        }
    }

    fn claim(&self, queue: &Arc<str>) -> Claim {
        Claim {
            capabilities: self.capabilities.clone(),
            ..Claim::new(self.registry.types()).queue(queue.clone()).lease(self.lease)
        }
    }

    /// The queues that are set, else that of the typed handlers' tasks.
    fn served_queues(&self) -> Result<Vec<ServedQueue>> {
        if self.queues_set_twice {
            let reason = "set twice: name all of them in one call, `queues(PoolQueues::in_order([...]))` \
                          or `queues(PoolQueues::by_share([...]))`";
            return Err(Error::invalid("queues", reason));
        }
        if let Some(queues) = &self.queues {
            return queues.clone().checked();
        }
        let mut queues = self.registry.options().filter_map(|options| options.queue.as_ref());
        let queue = queues.next().cloned().unwrap_or_else(|| DEFAULT_QUEUE.into());
        if let Some(other) = queues.find(|other| **other != queue) {
            let reason = format!(
                "not set, and the handlers' tasks are in {queue:?} and in {other:?}: name the one to serve, or \
                 all of them by `queues`"
            );
            return Err(Error::invalid("queue", reason));
        }
        PoolQueues::in_order([queue]).checked()
    }

    fn validate(&self, claims: &[Claim]) -> Result<()> {
        claims.iter().try_for_each(Claim::validate)?;
        if let Some(task_type) = &self.registered_twice {
            return Err(Error::invalid(
                "handler",
                format!("task type {task_type:?} has two handlers"),
            ));
        }
        if let Some(task_type) = self.registry.retry_without_handler() {
            let reason = format!("set for task type {task_type:?}, which has no handler");
            return Err(Error::invalid("retry", reason));
        }
        let workers = self.worker_count();
        if !(1..=WORKERS_MAX).contains(&workers) {
            let reason = format!("{workers}, must be 1 to {WORKERS_MAX}");
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
        let options = self.registry.options();
        let mut limits: Vec<Option<Duration>> =
            options.map(|options| options.timeout.or(self.timeout)).collect();
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
