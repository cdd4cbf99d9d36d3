//! What only a queue in SQLite can do. The one public place that names the driver, `rusqlite`.

use std::any::Any;
use std::path::Path;

use crate::engine::sqlite::SqliteEngine;
use crate::model::{Error, NewTask, Result, TaskId};
use crate::queue::Queue;

impl Queue {
    /// Opens or creates the queue in a database of the application's own, with full durability.
    ///
    /// The queue's tables are added next to the application's; their names all begin with `prismq_`. The
    /// application's tables, triggers and views are left alone, and so are `user_version` and `application_id`, which
    /// the application may set as it likes. The journal mode becomes WAL, as a queue needs it.
    ///
    /// Tasks can then be enqueued in the application's own transactions: [`enqueue_in`].
    ///
    /// # Errors
    /// See [`QueueBuilder::open`](crate::QueueBuilder::open).
    ///
    /// # Examples
    /// ```
    /// use prismq::{NewTask, Queue};
    ///
    /// # fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # let folder = tempfile::tempdir()?;
    /// let path = folder.path().join("app.db");
    /// rusqlite::Connection::open(&path)?.execute_batch("CREATE TABLE user (name TEXT)")?;
    ///
    /// let queue = Queue::attach(&path)?;
    /// queue.enqueue(&NewTask::new("welcome", *b"ann"))?;
    /// # Ok(())
    /// # }
    /// ```
    pub fn attach(path: impl AsRef<Path>) -> Result<Self> {
        Self::builder(path).attach(true).open()
    }
}

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
pub fn enqueue_in(
    queue: &Queue,
    transaction: &rusqlite::Connection,
    tasks: &[NewTask],
) -> Result<Vec<TaskId>> {
    NewTask::validate_batch(tasks)?;
    let engine: &dyn Any = queue.core().engine()?;
    match engine.downcast_ref::<SqliteEngine>() {
        Some(engine) => engine.enqueue_in(transaction, tasks),
        None => Err(Error::invalid("queue", "is not kept in an SQLite file")),
    }
}
