//! Handlers that complete their task in a transaction of their own.

use std::future::Future;

use super::transactions::apply_in;
use crate::engine::Operation;
use crate::engine::postgres::caller;
use crate::model::TaskError;
use crate::pool::Context;
use crate::queue::Queue;

/// Completes the task of a handler in a transaction of the handler's own, on a connection of its own to the queue's
/// database, and commits it: what was written in the transaction, the tasks that were enqueued there
/// ([`enqueue_in`](super::enqueue_in)) and the completion are committed together, or not at all.
///
/// So a task takes effect once, although it may be attempted several times: an attempt that is cut off, or whose lease was
/// lost to another, leaves nothing behind. This holds for what is written through the transaction; a mail that the handler
/// sends is not taken back.
///
/// If `output` is a value of the type of the task's output, it is kept as the task's result, and else what was set by
/// [`Context::set_result`]. It is returned. The handler returns after this: the pool counts the task as completed
/// in any case.
///
/// # Errors
/// Why the task could not be completed or the transaction not be committed; the handler returns it to have the task
/// retried. Nothing was kept, except perhaps if the connection was lost during the commit, or the future was dropped
/// then: if it was done all the same, the task is not run again. A transaction that is stricter than READ COMMITTED, PostgreSQL's default, may fail to
/// commit as others have changed what it read; retried, it reads anew.
///
/// # Examples
/// ```no_run
/// use prismq::{Context, Task, TaskResult};
/// use serde::{Deserialize, Serialize};
///
/// #[derive(Task, Serialize, Deserialize)]
/// struct Deposit {
///     cents: i64,
/// }
///
/// /// Credits the account once, however often it is attempted.
/// async fn deposit(task: Deposit, cx: Context) -> TaskResult {
///     let mut client = connect().await?;
///     let transaction = client.transaction().await?;
///     let update = "UPDATE account SET cents = cents + $1";
///     transaction.execute(update, &[&task.cents]).await?;
///     prismq::postgres::complete_and_commit(&cx, transaction, ()).await
/// }
/// # async fn connect() -> Result<tokio_postgres::Client, tokio_postgres::Error> {
/// #     Ok(tokio_postgres::connect("host=localhost", tokio_postgres::NoTls).await?.0)
/// # }
/// # let _ = deposit;
/// ```
pub fn complete_and_commit<'t, S, T>(
    context: &Context<S>,
    transaction: tokio_postgres::Transaction<'t>,
    output: T,
) -> impl Future<Output = Result<T, TaskError>> + Send + use<'t, S, T>
where
    T: Send + 'static,
{
    let (attempt, encode) = (context.of_attempt().clone(), context.encoder());
    async move {
        let result = encode(&output)?.or_else(|| attempt.result());
        let (key, core) = (attempt.key(), attempt.core()?);
        let own = attempt.clone();
        // It may wait for the pool to write what the handler has noted.
        let _completion = core.run_blocking(move |_| own.begin_completion())?.await?;
        // Dropped before, so that the pool finds the task rolled back where it was.
        let mut transaction = transaction;
        let queue = Queue::new(core);
        if let Some(note) = attempt.unwritten() {
            apply_in(&queue, &mut transaction, Operation::Note { key, note }).await?;
        }
        apply_in(&queue, &mut transaction, Operation::Complete { key, result }).await?;
        caller::commit(transaction).await?;
        attempt.set_completed();
        Ok(output)
    }
}
