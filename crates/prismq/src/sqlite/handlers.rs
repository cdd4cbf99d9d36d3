//! Handlers that complete their task in a transaction of their own.

use std::any::Any;
use std::sync::Arc;

use super::{Transaction, engine};
use crate::engine::sqlite::Completion;
use crate::model::TaskError;
use crate::pool::{Attempt, Context};
use crate::queue::Queue;

impl<S> Context<S> {
    /// Completes the task in a transaction of the handler's own: what `work` writes to the queue's file, the tasks it
    /// enqueues there and the completion are committed together, or not at all.
    ///
    /// So a task takes effect once, although it may be attempted several times: an attempt that is cut off, or whose
    /// lease was lost to another, leaves nothing behind. This holds for what is written through the transaction; a
    /// mail that `work` sends is not taken back.
    ///
    /// The transaction is as one of [`Queue::transaction`]. If `work` returns a value of the type of the task's output, it
    /// is kept as the task's result, and else what was set by [`Context::set_result`]. The handler returns after this: the
    /// pool counts the task as completed in any case.
    ///
    /// # Errors
    /// What `work` returned, or why the transaction could not begin, complete the task or commit: nothing of it was
    /// kept, and the handler returns the error to have the task retried.
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
        complete_attempt(self.of_attempt(), self.encoder(), work)
    }

    /// [`Context::complete_in`] as a future, for asynchronous handlers. The transaction runs on a thread of the queue's own
    /// ([`Queue::blocking`]), also to its end if the future is dropped once it was polled.
    ///
    /// # Errors
    /// See [`Context::complete_in`] and [`Queue::blocking`].
    ///
    /// # Examples
    /// ```
    /// use prismq::{Context, Task, TaskResult};
    /// use serde::{Deserialize, Serialize};
    ///
    /// #[derive(Task, Serialize, Deserialize)]
    /// struct Deposit {
    ///     cents: i64,
    /// }
    ///
    /// async fn deposit(task: Deposit, cx: Context) -> TaskResult {
    ///     cx.complete_in_async(move |tx| {
    ///         tx.execute("UPDATE account SET cents = cents + ?1", [task.cents])?;
    ///         Ok(())
    ///     })
    ///     .await
    /// }
    /// ```
    pub fn complete_in_async<T, F>(
        &self,
        work: F,
    ) -> impl Future<Output = Result<T, TaskError>> + Send + use<S, T, F>
    where
        T: Send + 'static,
        F: FnOnce(&Transaction<'_>) -> Result<T, TaskError> + Send + 'static,
    {
        let (attempt, encode) = (self.of_attempt().clone(), self.encoder());
        async move {
            let core = attempt.core()?;
            core.run_blocking(move |_| complete_attempt(&attempt, encode, work))?.await?
        }
    }
}

/// Encodes a value if it is of the type of a task's output.
type Encode = fn(&dyn Any) -> Result<Option<Arc<[u8]>>, TaskError>;

fn complete_attempt<T: 'static>(
    attempt: &Arc<Attempt>,
    encode: Encode,
    work: impl FnOnce(&Transaction<'_>) -> Result<T, TaskError>,
) -> Result<T, TaskError> {
    let queue = Queue::new(attempt.core()?);
    let _completion = attempt.begin_completion();
    let done = queue.transaction(|transaction| {
        let done = work(transaction)?;
        let result = encode(&done)?.or_else(|| attempt.result());
        let completion = Completion { key: attempt.key(), result: result.as_deref() };
        engine(&queue)?.complete_in(transaction, completion, attempt.unwritten().as_ref())?;
        Ok::<T, TaskError>(done)
    })?;
    attempt.set_completed();
    Ok(done)
}
