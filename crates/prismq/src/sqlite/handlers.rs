//! Handlers that complete their task in a transaction of their own.

use std::sync::Arc;

use super::{Transaction, engine};
use crate::engine::sqlite::Completion;
use crate::model::TaskError;
use crate::pool::{Attempt, Context, TaskContext};
use crate::queue::Queue;

impl TaskContext<'_> {
    /// Completes the task in a transaction of the handler's own: what `work` writes to the queue's file, the tasks it
    /// enqueues there and the completion are committed together, or not at all.
    ///
    /// So a task takes effect once, although it may be attempted several times: an attempt that is cut off, or whose
    /// lease was lost to another, leaves nothing behind. This holds for what is written through the transaction; a
    /// mail that `work` sends is not taken back.
    ///
    /// The transaction is as one of [`Queue::transaction`]. A result that was set ([`TaskContext::set_result`]) is kept
    /// with the task. The handler returns after this: the pool counts the task as completed, whatever it returns.
    ///
    /// # Errors
    /// What `work` returned, or why the transaction could not begin, complete the task or commit: nothing of it was
    /// kept, and the handler returns the error to have the task retried.
    ///
    /// # Examples
    /// ```
    /// use prismq::{NewTask, Queue, WorkerPool};
    ///
    /// # fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # let folder = tempfile::tempdir()?;
    /// let queue = Queue::attach(folder.path().join("app.db"))?;
    /// queue.transaction(|tx| -> prismq::Result<_> {
    ///     tx.execute_batch("CREATE TABLE account (cents INTEGER); INSERT INTO account VALUES (0)")?;
    ///     tx.enqueue(&NewTask::new("deposit", *b"500"))
    /// })?;
    /// let pool = WorkerPool::builder(&queue)
    ///     .handler("deposit", |task| {
    ///         let cents: i64 = std::str::from_utf8(task.payload())?.parse()?;
    ///         task.complete_in(|tx| {
    ///             tx.execute("UPDATE account SET cents = cents + ?1", [cents])?;
    ///             tx.enqueue(&NewTask::new("receipt", []))?;
    ///             Ok(())
    ///         })
    ///     })
    ///     .start()?;
    /// # while queue.stats("default")?.completed == 0 { std::thread::yield_now() }
    /// # drop(pool);
    /// let cents: i64 = queue.transaction(|tx| -> prismq::Result<_> {
    ///     Ok(tx.query_row("SELECT cents FROM account", [], |row| row.get(0))?)
    /// })?;
    /// assert_eq!((cents, queue.stats("default")?.ready), (500, 1));
    /// # Ok(())
    /// # }
    /// ```
    pub fn complete_in<T>(
        &self,
        work: impl FnOnce(&Transaction<'_>) -> Result<T, TaskError>,
    ) -> Result<T, TaskError> {
        let (attempt, result) = self.parts();
        complete_attempt(attempt, work, |_| Ok(result))
    }
}

impl<S> Context<S> {
    /// Completes the task in a transaction of the handler's own: what `work` writes to the queue's file, the tasks it
    /// enqueues there and the completion are committed together, or not at all. See [`TaskContext::complete_in`].
    ///
    /// If `work` returns a value of the type of the task's output, it is kept as the task's result.
    ///
    /// # Errors
    /// See there.
    ///
    /// # Examples
    /// ```
    /// use prismq::{Context, Task, TaskResult};
    /// use serde::{Deserialize, Serialize};
    ///
    /// #[derive(Task, Serialize, Deserialize)]
    /// #[task(output = i64)]
    /// struct Deposit {
    ///     cents: i64,
    /// }
    ///
    /// /// Credits the account once, however often it is attempted, and returns what is in it.
    /// fn deposit(task: Deposit, cx: Context) -> TaskResult<i64> {
    ///     cx.complete_in(|tx| {
    ///         tx.execute("UPDATE account SET cents = cents + ?1", [task.cents])?;
    ///         Ok(tx.query_row("SELECT cents FROM account", [], |row| row.get(0))?)
    ///     })
    /// }
    /// # let _: fn(Deposit, Context) -> TaskResult<i64> = deposit;
    /// ```
    pub fn complete_in<T: 'static>(
        &self,
        work: impl FnOnce(&Transaction<'_>) -> Result<T, TaskError>,
    ) -> Result<T, TaskError> {
        complete_attempt(self.of_attempt(), work, |done| self.result_of(done))
    }
}

fn complete_attempt<T>(
    attempt: &Attempt,
    work: impl FnOnce(&Transaction<'_>) -> Result<T, TaskError>,
    result_of: impl FnOnce(&T) -> Result<Option<Arc<[u8]>>, TaskError>,
) -> Result<T, TaskError> {
    let queue = Queue::new(attempt.core()?);
    let _completion = attempt.begin_completion();
    let done = queue.transaction(|transaction| {
        let done = work(transaction)?;
        let result = result_of(&done)?;
        let completion = Completion { key: attempt.key(), result: result.as_deref() };
        engine(&queue)?.complete_in(transaction, completion, attempt.unwritten().as_ref())?;
        Ok::<T, TaskError>(done)
    })?;
    attempt.set_completed();
    Ok(done)
}
