//! Handlers that block, and the state that all handlers share.

use std::sync::Arc;

use super::WorkerPoolBuilder;
use crate::model::{Bytes, Task, TaskError, TaskOptions};
use crate::pool::Context;
use crate::pool::handler::Handler;

impl WorkerPoolBuilder {
    /// What the handlers added after it share, such as a client or a connection pool: [`Context::state`].
    pub fn state<S: Send + Sync + 'static>(self, state: S) -> WorkerPoolBuilder<S> {
        let Self {
            core,
            queues,
            queues_set_twice,
            workers,
            prefetch,
            lease,
            capabilities,
            registry,
            registered_twice,
            timeout,
            timeouts,
            listeners,
            shutdown_timeout,
            state: _,
        } = self;
        WorkerPoolBuilder {
            core,
            queues,
            queues_set_twice,
            workers,
            prefetch,
            lease,
            capabilities,
            registry,
            registered_twice,
            timeout,
            timeouts,
            listeners,
            shutdown_timeout,
            state: Arc::new(state),
        }
    }
}

impl<S: Send + Sync + 'static> WorkerPoolBuilder<S> {
    /// The handler of tasks of type `T`: a function or closure of the value and its [`Context`], which blocks its worker
    /// until it returns. Types without a handler are never claimed.
    ///
    /// The type's [`options`](Task::options) set its time limit, unless [`WorkerPoolBuilder::timeout_of`] does, its
    /// backoff, and the pool's queue, unless [`WorkerPoolBuilder::queue`] does.
    ///
    /// What the handler returns is kept as the task's result, encoded as the type's codec does, if the task is kept: see
    /// [`Queue::set_history`](crate::Queue::set_history) and [`Handle::wait`](crate::Handle::wait). A task whose output
    /// cannot be encoded, or is larger than [`RESULT_BYTES_MAX`](crate::limits::RESULT_BYTES_MAX), becomes a dead
    /// letter. An output of `()` is no result.
    ///
    /// A task whose payload is not a valid `T` becomes a dead letter, with the place that is wrong as its error; other
    /// tasks are not affected. A panic is a failed attempt.
    ///
    /// # Examples
    /// ```
    /// use std::time::Duration;
    /// use prismq::{Context, Queue, Task, TaskResult, WorkerPool};
    /// use serde::{Deserialize, Serialize};
    ///
    /// #[derive(Task, Serialize, Deserialize)]
    /// struct Welcome {
    ///     user: i64,
    /// }
    ///
    /// struct Mailer;
    ///
    /// fn welcome(task: Welcome, cx: Context<Mailer>) -> TaskResult {
    ///     let _mailer = cx.state();
    ///     Ok(println!("welcome, {}", task.user))
    /// }
    ///
    /// # fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # let folder = tempfile::tempdir()?;
    /// # let queue = Queue::open(folder.path().join("queue.db"))?;
    /// queue.enqueue(Welcome { user: 7 })?;
    /// let pool = WorkerPool::builder(&queue).state(Mailer).handle(welcome).start()?;
    /// let report = pool.shutdown(Duration::from_secs(5));
    /// # Ok(())
    /// # }
    /// ```
    pub fn handle<T, F>(self, handler: F) -> Self
    where
        T: Task,
        F: Fn(T, Context<S>) -> Result<T::Output, TaskError> + Send + Sync + 'static,
    {
        let handler = Handler::blocking::<T, S>(self.state.clone(), handler);
        self.register(T::TYPE.into(), T::options(), handler)
    }

    /// The handler of tasks of this type whose payload is bytes, as those made by [`NewTask::new`](crate::NewTask::new):
    /// a function or closure of the [`Bytes`] and the [`Context`], as [`handle`](WorkerPoolBuilder::handle) in all else.
    /// To keep a result with the task, it calls [`Context::set_result`].
    ///
    /// # Examples
    /// ```
    /// use prismq::{Queue, WorkerPool};
    ///
    /// # fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # let folder = tempfile::tempdir()?;
    /// # let queue = Queue::open(folder.path().join("queue.db"))?;
    /// let pool = WorkerPool::builder(&queue)
    ///     .handle_bytes("square", |payload, cx| {
    ///         let number: u64 = std::str::from_utf8(&payload)?.parse()?;
    ///         Ok(cx.set_result((number * number).to_string().into_bytes())?)
    ///     })
    ///     .start()?;
    /// # Ok(())
    /// # }
    /// ```
    pub fn handle_bytes<F>(self, task_type: impl Into<Arc<str>>, handler: F) -> Self
    where
        F: Fn(Bytes, Context<S>) -> Result<(), TaskError> + Send + Sync + 'static,
    {
        let handler = Handler::blocking::<Bytes, S>(self.state.clone(), handler);
        self.register(task_type.into(), TaskOptions::default(), handler)
    }
}
