//! What only a queue in SQLite can do. The one public place that names the driver, `rusqlite`.

mod handlers;
mod transaction;

use std::any::Any;

pub use self::transaction::Transaction;
use crate::engine::sqlite::{Completion, SqliteEngine};
use crate::model::{Error, IntoTask, Lease, NewTask, Result};
use crate::queue::{Handle, Queue, untyped};

/// Adds tasks in a transaction of the caller's own, on the caller's own connection to the queue's file: they are
/// enqueued, and workers are woken, if and when that transaction commits.
///
/// Begin the transaction with `BEGIN IMMEDIATE`: one that reads first may be refused the write lock. How durable
/// the tasks are is decided by the connection's `synchronous` setting.
///
/// # Errors
/// [`Error::InvalidInput`] for an argument outside [`crate::limits`], a connection without a transaction, or one
/// to another file; an engine's failure. The transaction can go on, and holds none of the tasks.
/// [`Error::TransactionRolledBack`] if the failure, say a full disk, ended the transaction: nothing of it was
/// kept, and it must be begun again.
///
/// # Examples
/// ```
/// use prismq::{NewTask, Queue};
/// use rusqlite::{Connection, TransactionBehavior};
///
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let folder = tempfile::tempdir()?;
/// let path = folder.path().join("app.db");
/// let queue = Queue::open(&path)?;
/// let mut connection = Connection::open(&path)?;
/// connection.execute_batch("CREATE TABLE user (name TEXT)")?;
///
/// let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
/// transaction.execute("INSERT INTO user VALUES ('ann')", [])?;
/// prismq::sqlite::enqueue_in(&queue, &transaction, &[NewTask::new("welcome", *b"ann")])?;
/// transaction.commit()?; // both, or neither
/// assert_eq!(queue.stats("default")?.ready, 1);
/// # Ok(())
/// # }
/// ```
pub fn enqueue_in<T>(
    queue: &Queue,
    transaction: &rusqlite::Connection,
    tasks: impl IntoIterator<Item = impl IntoTask<T>>,
) -> Result<Vec<Handle<T>>> {
    let tasks = untyped(tasks);
    NewTask::validate_batch(&tasks)?;
    let added = engine(queue)?.enqueue_in(transaction, &tasks)?;
    Ok(added.into_iter().map(|added| Handle::new(queue, added)).collect())
}

/// Completes a claimed task in a transaction of the caller's own, on the caller's own connection to the queue's file:
/// the task is completed if and when that transaction commits, together with all else that it wrote.
///
/// What a task does to the same file, the tasks it enqueues there ([`enqueue_in`]) and its completion are then one
/// change: the task takes effect once, although it may be attempted several times. If another claim has reclaimed the
/// task, this fails: roll the transaction back, so that the effects of one attempt alone remain.
///
/// A handler of a pool uses [`Context::complete_in`](crate::Context::complete_in), which does all of it.
///
/// # Errors
/// [`Error::LeaseLost`] and [`Error::ForeignLease`] as [`Queue::complete`], and otherwise as [`enqueue_in`]. The
/// transaction can go on; roll it back unless its changes shall remain without the completion.
///
/// # Examples
/// ```
/// use prismq::{Claim, NewTask, Queue};
/// use rusqlite::{Connection, TransactionBehavior};
///
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # let folder = tempfile::tempdir()?;
/// # let path = folder.path().join("app.db");
/// let mut connection = Connection::open(&path)?;
/// connection.execute_batch("CREATE TABLE account (cents INTEGER); INSERT INTO account VALUES (0)")?;
/// let queue = Queue::attach(&path)?;
/// queue.enqueue(&NewTask::new("deposit", *b"500"))?;
///
/// let lease = queue.claim(&Claim::new(["deposit"]))?.remove(0);
/// let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
/// transaction.execute("UPDATE account SET cents = cents + 500", [])?;
/// prismq::sqlite::complete_in(&queue, &transaction, &lease)?;
/// transaction.commit()?; // both, or neither
/// assert_eq!(queue.stats("default")?.completed, 1);
/// # Ok(())
/// # }
/// ```
pub fn complete_in(queue: &Queue, transaction: &rusqlite::Connection, lease: &Lease) -> Result<()> {
    let completion = Completion { key: lease.key, result: None };
    engine(queue)?.complete_in(transaction, completion, None)
}

fn engine(queue: &Queue) -> Result<&SqliteEngine> {
    let engine: &dyn Any = queue.core().engine()?;
    let engine = engine.downcast_ref::<SqliteEngine>();
    engine.ok_or(Error::NotOffered {
        what: "transactions of this driver; use the module of the engine's own",
    })
}
