//! The handlers of a test queue: the shape of a worker pool's, but that they need not be sent to another thread.

use std::fmt;
use std::future::Future;
use std::rc::Rc;
use std::sync::Arc;

use super::TestQueue;
use super::executor::block_on;
use super::run::Registered;
use crate::model::{Bytes, RetryPolicy, Task, TaskResult};
use crate::pool::Context;
use crate::pool::handler::{Attempt, Input, Returned, begin, call, ended};

/// Adds handlers that share a state to a [`TestQueue`]: see [`TestQueue::state`].
pub struct TestHandlers<'q, S = ()> {
    queue: &'q TestQueue,
    state: Arc<S>,
}

impl<'q, S: 'static> TestHandlers<'q, S> {
    pub(super) fn new(queue: &'q TestQueue, state: S) -> Self {
        Self { queue, state: Arc::new(state) }
    }

    /// The handler of tasks of type `T`: see [`TestQueue::handle`].
    pub fn handle<T: Task>(
        &self,
        handler: impl Fn(T, Context<S>) -> TaskResult<T::Output> + 'static,
    ) -> &Self {
        self.blocking(T::TYPE.into(), T::options().backoff, handler)
    }

    /// The handler of tasks of this type as bytes: see [`TestQueue::handle_bytes`].
    pub fn handle_bytes(
        &self,
        task_type: impl Into<Arc<str>>,
        handler: impl Fn(Bytes, Context<S>) -> TaskResult + 'static,
    ) -> &Self {
        self.blocking(task_type.into(), None, handler)
    }

    /// The asynchronous handler of tasks of type `T`, as a worker pool takes it (`WorkerPoolBuilder::handle_async`, feature
    /// `tokio`); it replaces an earlier one.
    ///
    /// Its future runs to its end on the thread of the test, which sleeps until the future is woken. What it awaits of a
    /// runtime, such as a timer or a socket of Tokio's, must be driven by other threads: run the test in a runtime with
    /// several, such as `#[tokio::test(flavor = "multi_thread")]`. A future that is not woken for a minute fails the test.
    pub fn handle_async<T: Task, R>(&self, handler: impl Fn(T, Context<S>) -> R + 'static) -> &Self
    where
        R: Future<Output = TaskResult<T::Output>> + 'static,
    {
        self.future(T::TYPE.into(), T::options().backoff, handler)
    }

    /// The asynchronous handler of tasks of this type as bytes: see [`TestHandlers::handle_async`].
    pub fn handle_bytes_async<R>(
        &self,
        task_type: impl Into<Arc<str>>,
        handler: impl Fn(Bytes, Context<S>) -> R + 'static,
    ) -> &Self
    where
        R: Future<Output = TaskResult> + 'static,
    {
        self.future(task_type.into(), None, handler)
    }

    fn blocking<T: Input>(
        &self,
        task_type: Arc<str>,
        backoff: Option<RetryPolicy>,
        handler: impl Fn(T, Context<S>) -> TaskResult<T::Output> + 'static,
    ) -> &Self {
        let state = self.state.clone();
        self.add(task_type, backoff, move |attempt| call(attempt, &state, &handler))
    }

    fn future<T: Input, R>(
        &self,
        task_type: Arc<str>,
        backoff: Option<RetryPolicy>,
        handler: impl Fn(T, Context<S>) -> R + 'static,
    ) -> &Self
    where
        R: Future<Output = TaskResult<T::Output>> + 'static,
    {
        let (state, name) = (self.state.clone(), task_type.clone());
        self.add(task_type, backoff, move |attempt| {
            let (running, attempt) = begin::<T, S, R>(attempt, &state, &handler)?;
            block_on(&name, ended::<T>(attempt, running))
        })
    }

    fn add(
        &self,
        task_type: Arc<str>,
        backoff: Option<RetryPolicy>,
        run: impl Fn(Attempt) -> Returned + 'static,
    ) -> &Self {
        let registered = Registered::new(backoff, run);
        self.queue.handlers.borrow_mut().insert(task_type, Rc::new(registered));
        self
    }
}

impl<S> fmt::Debug for TestHandlers<'_, S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TestHandlers").field("queue", self.queue).finish_non_exhaustive()
    }
}
