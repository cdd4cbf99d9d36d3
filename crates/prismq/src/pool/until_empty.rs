//! Running a pool until there is nothing left to run.

use super::{ShutdownReport, WorkerPool, WorkerPoolBuilder};
use crate::model::{Error, Result};

impl<S> WorkerPoolBuilder<S> {
    /// Runs all tasks that are ready, also those that handlers enqueue meanwhile, then stops: for a program that works
    /// a queue off and ends, and for tests.
    ///
    /// Tasks that are scheduled for later stay, such as those that failed and wait for their retry. A handler that does
    /// not return keeps it from ending. It blocks: in asynchronous code, await
    /// [`run_until_empty_async`](WorkerPoolBuilder::run_until_empty_async).
    ///
    /// # Errors
    /// See [`WorkerPoolBuilder::start`]; the fault that suspended or stopped the pool ([`WorkerPool::error`]).
    ///
    /// # Examples
    /// ```
    /// use prismq::{Queue, Task, WorkerPool};
    /// use serde::{Deserialize, Serialize};
    ///
    /// #[derive(Task, Serialize, Deserialize)]
    /// struct Hello {
    ///     name: String,
    /// }
    ///
    /// # fn main() -> prismq::Result<()> {
    /// # let folder = tempfile::tempdir().unwrap();
    /// # let queue = Queue::open(folder.path().join("queue.db"))?;
    /// queue.enqueue(Hello { name: "world".to_owned() })?;
    /// let report = WorkerPool::builder(&queue)
    ///     .handle(|hello: Hello, _cx| Ok(println!("hello, {}", hello.name)))
    ///     .run_until_empty()?;
    /// assert_eq!(report.stats.completed, 1);
    /// # Ok(())
    /// # }
    /// ```
    pub fn run_until_empty(self) -> Result<ShutdownReport> {
        let pool = self.start()?;
        let fault = pool.wait_until_empty();
        let timeout = pool.shutdown_timeout;
        let report = pool.shutdown(timeout);
        match fault {
            Some(error) => Err(error),
            None => Ok(report),
        }
    }
}

impl WorkerPool {
    /// Blocks until no task is ready and none runs; or until a fault keeps the pool from working, which is returned.
    fn wait_until_empty(&self) -> Option<Error> {
        let shared = &self.shared;
        let scheduler = shared.wait_until(shared.scheduler(), None, |scheduler| {
            scheduler.fault().is_some() || scheduler.is_empty(shared.work.count())
        });
        scheduler.fault().map(|fault| fault.error.clone())
    }
}
