//! Checking the settings, and starting the threads.

use std::sync::Arc;
use std::sync::mpsc::channel;
use std::time::Duration;

use super::WorkerPoolBuilder;
use crate::engine::Watch;
use crate::model::limits::{POOL_LEASE_MIN, PREFETCH_MAX, TIMEOUT_MAX, WORKERS_MAX};
use crate::model::{Claim, DEFAULT_QUEUE, Error, Result};
use crate::pool::WorkerPool;
use crate::pool::scheduler::{Settings, SuspectGate};
use crate::pool::shared::Shared;
use crate::pool::threads;

impl<S> WorkerPoolBuilder<S> {
    /// Starts the threads.
    ///
    /// # Errors
    /// [`Error::InvalidInput`] for a setting outside [`crate::limits`], no handler, or two for one type;
    /// [`Error::Thread`] if a thread cannot be started: those already started are then stopped;
    /// [`Error::Forked`] in a fork of the process that opened the queue.
    pub fn start(self) -> Result<WorkerPool> {
        let claim = self.claim()?;
        self.validate(&claim)?;
        let timeouts = self.timeouts()?;
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

    fn claim(&self) -> Result<Claim> {
        Ok(Claim {
            capabilities: self.capabilities.clone(),
            ..Claim::new(self.registry.types()).queue(self.served_queue()?).lease(self.lease)
        })
    }

    /// The queue that is set, else that of the typed handlers' tasks.
    fn served_queue(&self) -> Result<Arc<str>> {
        if let Some(queue) = &self.queue {
            return Ok(queue.clone());
        }
        let mut queues = self.registry.options().filter_map(|options| options.queue.as_ref());
        let Some(queue) = queues.next() else { return Ok(DEFAULT_QUEUE.into()) };
        if let Some(other) = queues.find(|other| *other != queue) {
            let reason = format!(
                "not set, and the handlers' tasks are in {queue:?} and in {other:?}: name the one to serve"
            );
            return Err(Error::invalid("queue", reason));
        }
        Ok(queue.clone())
    }

    fn validate(&self, claim: &Claim) -> Result<()> {
        claim.validate()?;
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
