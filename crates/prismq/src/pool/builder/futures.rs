//! Asynchronous handlers.

use std::future::Future;
use std::sync::Arc;

use super::WorkerPoolBuilder;
use crate::model::{Bytes, Task, TaskError, TaskOptions};
use crate::pool::Context;
use crate::pool::handler::Handler;

impl<S: Send + Sync + 'static> WorkerPoolBuilder<S> {
    /// The asynchronous handler of tasks of type `T`: an async function or closure of the value and its [`Context`]. As
    /// [`handle`](WorkerPoolBuilder::handle) in all else.
    ///
    /// With one such handler, the pool's workers are tasks of the Tokio runtime that
    /// [`start`](WorkerPoolBuilder::start) is called in, so that hundreds of handlers run at once on its few threads. The
    /// pool's handlers that block may then be hundreds too: each runs on one of the runtime's threads for blocking calls.
    ///
    /// A future that runs into its time limit is notified ([`Context::until_cancelled`]), and dropped if it goes on for
    /// the grace after it ([`WorkerPoolBuilder::timeout`]): the attempt has failed, and the worker is free. A panic is a
    /// failed attempt.
    ///
    /// Shut the pool down by [`shutdown_async`](crate::WorkerPool::shutdown_async) before the runtime ends. If the runtime
    /// is shut down first, the pool ends, and tasks whose futures are dropped with it are released.
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
    /// async fn welcome(task: Welcome, _cx: Context) -> TaskResult {
    ///     tokio::time::sleep(Duration::from_millis(1)).await; // a request to a mail service
    ///     Ok(println!("welcome, {}", task.user))
    /// }
    ///
    /// #[tokio::main]
    /// async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// #   let folder = tempfile::tempdir()?;
    /// #   let path = folder.path().join("queue.db");
    ///     let queue = Queue::open(path)?;
    ///     queue.enqueue_async(Welcome { user: 7 }).await?;
    ///     let pool = WorkerPool::builder(&queue).workers(500).handle_async(welcome).start()?;
    ///     let report = pool.shutdown_async(Duration::from_secs(30)).await;
    ///     println!("{} completed", report.stats.completed);
    ///     Ok(())
    /// }
    /// ```
    pub fn handle_async<T, F, R>(self, handler: F) -> Self
    where
        T: Task,
        F: Fn(T, Context<S>) -> R + Send + Sync + 'static,
        R: Future<Output = Result<T::Output, TaskError>> + Send + 'static,
    {
        let handler = Handler::future::<T, S, R>(self.state.clone(), handler);
        self.register(T::TYPE.into(), T::options(), handler)
    }

    /// The asynchronous handler of tasks of this type whose payload is bytes: see
    /// [`handle_bytes`](WorkerPoolBuilder::handle_bytes), and [`handle_async`](WorkerPoolBuilder::handle_async) for how it
    /// is run.
    pub fn handle_bytes_async<F, R>(self, task_type: impl Into<Arc<str>>, handler: F) -> Self
    where
        F: Fn(Bytes, Context<S>) -> R + Send + Sync + 'static,
        R: Future<Output = Result<(), TaskError>> + Send + 'static,
    {
        let handler = Handler::future::<Bytes, S, R>(self.state.clone(), handler);
        self.register(task_type.into(), TaskOptions::default(), handler)
    }
}
