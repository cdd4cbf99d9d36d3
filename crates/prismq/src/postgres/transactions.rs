//! Adding and completing tasks in transactions of the application's own. Here alone the driver is part of the API.

use std::any::Any;
use std::future::Future;

use crate::core::Core;
use crate::engine::postgres::{PostgresEngine, caller};
use crate::engine::{Answer, Operation};
use crate::model::{Error, IntoTask, Lease, NewTask, Result};
use crate::queue::{Handle, Queue, untyped};

/// Adds tasks in a transaction of the caller's own, on the caller's own connection to the queue's database: they exist
/// if and when that transaction commits. Their ids are known at once.
///
/// The role of the connection needs the rights on the queue's tables that the queue's own has. Idle pools are woken
/// soon after the commit: for up to five seconds the queue asks the server for it now and then. Pools find what is
/// committed later within about a second, as they look for work by themselves. A call takes about seven round trips,
/// and a thread that waits for them.
///
/// A task with a unique key, and one of a queue with a depth limit, keep other enqueues of the same key or into the same
/// queue waiting until the transaction ends; both need the isolation level READ COMMITTED, PostgreSQL's default.
///
/// # Errors
/// [`Error::InvalidInput`] for an argument outside [`crate::limits`], and for a transaction of another database or one
/// whose snapshot is too old for what is checked; [`Error::QueueFull`], [`Error::UnknownLimit`] and the like as
/// [`Queue::enqueue`]; an engine's failure. The transaction can go on, and holds none of the tasks. The same holds where
/// the future is dropped.
///
/// # Examples
/// ```no_run
/// use prismq::{NewTask, Queue};
///
/// # async fn sign_up(queue: &Queue, client: &mut tokio_postgres::Client) -> Result<(), Box<dyn std::error::Error>> {
/// let mut transaction = client.transaction().await?;
/// transaction.execute("INSERT INTO users (name) VALUES ('ann')", &[]).await?;
/// prismq::postgres::enqueue_in(queue, &mut transaction, [NewTask::new("welcome", *b"ann")]).await?;
/// transaction.commit().await?; // both, or neither
/// # Ok(())
/// # }
/// ```
pub fn enqueue_in<'a, 't, T, K, I>(
    queue: &'a Queue,
    transaction: &'a mut tokio_postgres::Transaction<'t>,
    tasks: I,
) -> impl Future<Output = Result<Vec<Handle<T>>>> + Send + use<'a, 't, T, K, I>
where
    K: IntoTask<T>,
    I: IntoIterator<Item = K>,
{
    let tasks = untyped(tasks);
    async move {
        NewTask::validate_batch(&tasks)?;
        match apply_in(queue, transaction, Operation::Enqueue(tasks)).await? {
            Answer::Enqueued(added) => {
                Ok(added.into_iter().map(|added| Handle::new(queue, added)).collect())
            }
            _ => Err(Error::unanswered()),
        }
    }
}

/// Completes a claimed task in a transaction of the caller's own, on the caller's own connection to the queue's database:
/// the task is completed if and when that transaction commits, together with all else that it wrote.
///
/// What a task does in the same database, the tasks it enqueues there ([`enqueue_in`]) and its completion are then one
/// change: the task takes effect once, although it may be attempted several times. If another claim has reclaimed the
/// task, this fails: roll the transaction back, so that the effects of one attempt alone remain. From this call on no
/// claim can reclaim the task until the transaction ends.
///
/// A handler of a pool uses [`complete_and_commit`](super::complete_and_commit), after which the pool knows of it.
///
/// # Errors
/// [`Error::LeaseLost`] and [`Error::ForeignLease`] as [`Queue::complete`], and otherwise as [`enqueue_in`]. The
/// transaction can go on; roll it back unless its changes shall remain without the completion.
///
/// # Examples
/// ```no_run
/// use prismq::{Lease, Queue};
///
/// # async fn deposit(queue: &Queue, lease: &Lease, client: &mut tokio_postgres::Client) -> Result<(), Box<dyn std::error::Error>> {
/// let mut transaction = client.transaction().await?;
/// transaction.execute("UPDATE account SET cents = cents + 500", &[]).await?;
/// prismq::postgres::complete_in(queue, &mut transaction, lease).await?;
/// transaction.commit().await?; // both, or neither
/// # Ok(())
/// # }
/// ```
pub async fn complete_in(
    queue: &Queue,
    transaction: &mut tokio_postgres::Transaction<'_>,
    lease: &Lease,
) -> Result<()> {
    let completion = Operation::Complete { key: lease.key, result: None };
    apply_in(queue, transaction, completion).await.map(drop)
}

/// Applies an operation in a transaction of the application's own.
pub(super) async fn apply_in(
    queue: &Queue,
    transaction: &mut tokio_postgres::Transaction<'_>,
    operation: Operation,
) -> Result<Answer> {
    let core = queue.core().clone();
    engine(&core)?;
    caller::run(transaction, move |transaction| engine(&core)?.apply_in(transaction, operation))
        .await
}

fn engine(core: &Core) -> Result<&PostgresEngine> {
    let engine: &dyn Any = core.engine()?;
    let engine = engine.downcast_ref::<PostgresEngine>();
    engine.ok_or_else(|| Error::invalid("queue", "is in a file: use the functions of that engine"))
}
