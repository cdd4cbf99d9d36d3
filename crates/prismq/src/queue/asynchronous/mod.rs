//! The calls of a queue for asynchronous code: the frequent ones as operations, any other on a thread of the queue's
//! own.

mod submission;

use std::future::Future;
use std::time::Duration;

pub use self::submission::Submission;
use super::claims::{extended, failed, validate_failure};
use super::enqueue::{enqueued, untyped, with_digests};
use super::{Handle, Queue};
use crate::core::{Held, RetryRule};
use crate::engine::{AT_ONCE, Answer, Claimed, Operation};
use crate::model::limits::CLAIM_BYTES_MAX;
use crate::model::{
    Claim, Ending, Error, IntoTask, Lease, NewTask, Result, State, TaskError, TaskId,
    validate_lease,
};
use crate::time::Timestamp;

impl Queue {
    /// [`Queue::enqueue`] as a future.
    ///
    /// # Errors
    /// See [`Queue::enqueue`], but for [`Error::Overloaded`]: it waits for room in the submission queue without a
    /// limit.
    pub fn enqueue_async<T>(&self, task: impl IntoTask<T>) -> Submission<Handle<T>> {
        self.add_async(vec![task.into_task().untyped()], |queue, answer| {
            let added = enqueued(answer)?.first().copied().ok_or_else(Error::unanswered)?;
            Ok(Handle::new(queue, added))
        })
    }

    /// [`Queue::enqueue_all`] as a future.
    ///
    /// # Errors
    /// See [`Queue::enqueue_async`].
    pub fn enqueue_all_async<T>(
        &self,
        tasks: impl IntoIterator<Item = impl IntoTask<T>>,
    ) -> Submission<Vec<Handle<T>>> {
        let tasks = untyped(tasks);
        if tasks.is_empty() {
            return Submission::answered(Ok(Vec::new()));
        }
        self.add_async(tasks, |queue, answer| {
            Ok(enqueued(answer)?.into_iter().map(|added| Handle::new(queue, added)).collect())
        })
    }

    /// [`Queue::claim`] as a future. If it is dropped, tasks that it has claimed are released.
    ///
    /// # Errors
    /// See [`Queue::claim`].
    pub fn claim_async(
        &self,
        claim: &Claim,
    ) -> impl Future<Output = Result<Vec<Lease>>> + Send + use<> {
        let (core, claim) = (self.core.clone(), claim.clone().bytes_max(CLAIM_BYTES_MAX));
        async move {
            claim.validate()?;
            loop {
                let Answer::Claimed(Claimed { leases, next_due, .. }) =
                    core.submit_async(Operation::Claim(claim.clone())).await?
                else {
                    return Err(Error::unanswered());
                };
                let none = leases.is_empty();
                let leases = Held::new(core.clone(), leases).with_payloads().await?.take();
                if !leases.is_empty() || (none && next_due != Some(AT_ONCE)) {
                    return Ok(leases);
                }
            }
        }
    }

    /// [`Queue::complete`] as a future.
    ///
    /// # Errors
    /// See [`Queue::complete`].
    pub fn complete_async(&self, lease: &Lease) -> Submission<()> {
        self.apply_async(Operation::complete(lease.key), |_, _| Ok(()))
    }

    /// [`Queue::fail`] as a future.
    ///
    /// # Errors
    /// See [`Queue::fail`].
    pub fn fail_async(&self, lease: &Lease, error: impl Into<TaskError>) -> Submission<State> {
        let error = error.into();
        match validate_failure(&error) {
            Ok(()) => self.apply_async(
                self.core.failure(lease, error, None, RetryRule::default()),
                |_, answer| failed(&answer),
            ),
            Err(error) => Submission::answered(Err(error)),
        }
    }

    /// [`Queue::extend`] as a future.
    ///
    /// # Errors
    /// See [`Queue::extend`].
    pub fn extend_async(&self, lease: &Lease, by: Duration) -> Submission<Timestamp> {
        match validate_lease(by) {
            Ok(()) => self
                .apply_async(Operation::Extend { key: lease.key, lease: by }, |_, answer| {
                    extended(&answer)
                }),
            Err(error) => Submission::answered(Err(error)),
        }
    }

    /// [`Queue::release`] as a future.
    ///
    /// # Errors
    /// See [`Queue::release`].
    pub fn release_async(&self, lease: &Lease) -> Submission<()> {
        self.apply_async(Operation::Release(lease.key), |_, _| Ok(()))
    }

    /// Waits for a task to end, and returns how, as [`Queue::wait`] does; without a limit, so bound it with your runtime's
    /// timeout. It occupies no thread while it waits, and may be dropped at any time.
    ///
    /// # Errors
    /// See [`Queue::wait`] and [`Queue::blocking`].
    ///
    /// # Examples
    /// ```
    /// use prismq::{Ending, NewTask, Queue};
    ///
    /// async fn square(queue: &Queue) -> prismq::Result<Ending> {
    ///     let task = queue.enqueue_async(NewTask::new("square", *b"12")).await?;
    ///     queue.wait_async(task.id()).await
    /// }
    /// ```
    pub fn wait_async(&self, id: TaskId) -> impl Future<Output = Result<Ending>> + Send + use<> {
        self.core.clone().wait_async(id)
    }

    /// Runs any call on a thread of the queue's own, as a future: for reads, settings and transactions, which block
    /// and are not called often.
    ///
    /// Up to four run at once, transactions ([`Queue::transaction_async`]) among them; further ones wait for a thread. So
    /// a call must not wait for what another call does: to wait for a task, await [`Queue::wait_async`] instead. A call
    /// that a call awaits runs at once, on the same thread.
    ///
    /// If it is dropped once it was polled, the call goes on, and what it returns is dropped. A panic of the call goes
    /// on where the future is awaited.
    ///
    /// # Errors
    /// Those of the call; [`Error::Thread`] if no thread can be started for it; [`Error::Forked`].
    ///
    /// # Examples
    /// ```
    /// # async fn depth(queue: &prismq::Queue) -> prismq::Result<u64> {
    /// let stats = queue.blocking(|queue| queue.stats("default")).await?;
    /// # Ok(stats.ready)
    /// # }
    /// ```
    pub fn blocking<T, E, F>(
        &self,
        call: F,
    ) -> impl Future<Output = Result<T, E>> + Send + use<T, E, F>
    where
        T: Send + 'static,
        E: From<Error> + Send + 'static,
        F: FnOnce(&Self) -> Result<T, E> + Send + 'static,
    {
        let core = self.core.clone();
        async move { core.run_blocking(|core| call(&Self { core }))?.await? }
    }

    /// The future of an operation whose arguments are validated.
    pub(in crate::queue) fn apply_async<T>(
        &self,
        operation: Operation,
        answer: fn(&Self, Answer) -> Result<T>,
    ) -> Submission<T> {
        Submission::new(self.clone(), self.core.submit_async(operation), answer)
    }

    fn add_async<T>(
        &self,
        tasks: Vec<NewTask>,
        answer: fn(&Self, Answer) -> Result<T>,
    ) -> Submission<T> {
        match NewTask::validate_batch(&tasks) {
            Ok(()) => self.apply_async(Operation::Enqueue(with_digests(tasks)), answer),
            Err(error) => Submission::answered(Err(error)),
        }
    }
}
