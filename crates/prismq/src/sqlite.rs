//! What only a queue in SQLite can do. The one public place that names the driver, `rusqlite`.

use std::any::Any;
use std::cell::Cell;
use std::ops::Deref;
use std::path::Path;
use std::sync::Arc;

use crate::engine::sqlite::{Completion, SqliteEngine};
use crate::model::{Error, IntoTask, Lease, NewTask, Result, TaskError};
use crate::pool::{Attempt, Context, TaskContext};
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
/// A handler of a pool uses [`TaskContext::complete_in`](crate::TaskContext::complete_in), which does all of it.
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

/// A transaction of the application's own on the queue's file, in which tasks are enqueued too. It offers all of
/// [`rusqlite::Transaction`] but its end: see [`Queue::transaction`].
#[derive(Debug)]
pub struct Transaction<'t> {
    inner: &'t rusqlite::Transaction<'t>,
    queue: &'t Queue,
    enqueued: Cell<bool>,
}

impl Transaction<'_> {
    /// Adds a task, which exists once the transaction commits.
    ///
    /// # Errors
    /// See [`enqueue_in`].
    pub fn enqueue<T>(&self, task: impl IntoTask<T>) -> Result<Handle<T>> {
        self.enqueue_all([task])?.pop().ok_or_else(Error::unanswered)
    }

    /// Adds tasks, all or none; the handles are in the order of the tasks.
    ///
    /// # Errors
    /// See [`enqueue_in`].
    pub fn enqueue_all<T>(
        &self,
        tasks: impl IntoIterator<Item = impl IntoTask<T>>,
    ) -> Result<Vec<Handle<T>>> {
        let handles = enqueue_in(self.queue, self.inner, tasks)?;
        self.enqueued.set(true);
        Ok(handles)
    }
}

impl<'t> Deref for Transaction<'t> {
    type Target = rusqlite::Transaction<'t>;

    fn deref(&self) -> &Self::Target {
        self.inner
    }
}

/// In an SQLite file, which the application's tables can share.
impl Queue {
    /// Opens or creates the queue in a database of the application's own, with full durability.
    ///
    /// The queue's tables are added next to the application's; their names all begin with `prismq_`. The
    /// application's tables, triggers and views are left alone, and so are `user_version` and `application_id`, which
    /// the application may set as it likes. The journal mode becomes WAL, as a queue needs it.
    ///
    /// Tasks can then be enqueued in the application's own transactions: by [`Queue::transaction`], by [`enqueue_in`],
    /// and by rows of the table `prismq_inbox` through any driver.
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
    /// queue.enqueue(NewTask::new("welcome", *b"ann"))?;
    /// # Ok(())
    /// # }
    /// ```
    pub fn attach(path: impl AsRef<Path>) -> Result<Self> {
        Self::builder(path).attach(true).open()
    }

    /// Runs a transaction of the application's own on the queue's file: its changes and the tasks it enqueues are
    /// committed together when `work` returns `Ok`, durable as the queue is set to be, and workers are woken. If `work`
    /// returns an error, which is passed on, or panics, nothing of it is kept.
    ///
    /// The transaction has a connection of its own, on which the application's triggers and foreign keys work as
    /// SQLite sets them by default. It holds the write lock from its beginning (`BEGIN IMMEDIATE`), for which it waits
    /// as long as the queue's other operations do, so that no statement in it meets a lock. Keep it short, and call
    /// nothing else of the queue in it: that would wait for the transaction itself.
    ///
    /// # Errors
    /// What `work` returned. [`Error::Busy`] if another connection wrote for the whole wait;
    /// [`Error::InvalidInput`] if `work` ended the transaction itself; an engine's failure. Nothing was kept, except
    /// after [`Error::Poisoned`], when it is unknown.
    ///
    /// # Examples
    /// ```
    /// use prismq::{NewTask, Queue};
    ///
    /// # fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # let folder = tempfile::tempdir()?;
    /// # let path = folder.path().join("app.db");
    /// let queue = Queue::attach(&path)?;
    /// # queue.transaction(|tx| -> prismq::Result<_> { Ok(tx.execute_batch("CREATE TABLE user (name TEXT)")?) })?;
    /// let user = queue.transaction(|tx| -> prismq::Result<_> {
    ///     tx.execute("INSERT INTO user VALUES ('ann')", [])?;
    ///     let user = tx.last_insert_rowid();
    ///     tx.enqueue(NewTask::new("welcome", user.to_string().into_bytes()))?;
    ///     Ok(user)
    /// })?; // both, or neither
    /// assert_eq!((user, queue.stats("default")?.ready), (1, 1));
    /// # Ok(())
    /// # }
    /// ```
    pub fn transaction<T, E: From<Error>>(
        &self,
        work: impl FnOnce(&Transaction<'_>) -> Result<T, E>,
    ) -> Result<T, E> {
        let (done, enqueued) = engine(self)?.transaction(|inner| {
            let transaction = Transaction { inner, queue: self, enqueued: Cell::default() };
            work(&transaction).map(|done| (done, transaction.enqueued.get()))
        })?;
        if enqueued {
            self.core().work_arrived();
        }
        Ok(done)
    }

    /// [`Queue::transaction`] as a future. The transaction runs on a thread of the queue's own ([`Queue::blocking`]), also
    /// to its end if the future is dropped once it was polled.
    ///
    /// # Errors
    /// See [`Queue::transaction`] and [`Queue::blocking`].
    ///
    /// # Examples
    /// ```
    /// # async fn sign_up(queue: &prismq::Queue, name: String) -> prismq::Result<()> {
    /// let user = queue
    ///     .transaction_async(move |tx| -> prismq::Result<_> {
    ///         tx.execute("INSERT INTO user VALUES (?1)", [&name])?;
    ///         let user = tx.last_insert_rowid();
    ///         tx.enqueue(&prismq::NewTask::new("welcome", user.to_string().into_bytes()))?;
    ///         Ok(user)
    ///     })
    ///     .await?; // both, or neither
    /// # Ok(())
    /// # }
    /// ```
    pub fn transaction_async<T, E, F>(
        &self,
        work: F,
    ) -> impl Future<Output = Result<T, E>> + Send + use<T, E, F>
    where
        T: Send + 'static,
        E: From<Error> + Send + 'static,
        F: FnOnce(&Transaction<'_>) -> Result<T, E> + Send + 'static,
    {
        self.blocking(|queue| queue.transaction(work))
    }
}

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

fn engine(queue: &Queue) -> Result<&SqliteEngine> {
    let engine: &dyn Any = queue.core().engine()?;
    let engine = engine.downcast_ref::<SqliteEngine>();
    engine.ok_or_else(|| Error::invalid("queue", "is not kept in an SQLite file"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_transaction_raises_the_signal_of_pools_if_it_enqueued_and_committed() {
        let folder = tempfile::tempdir().unwrap();
        let queue = Queue::attach(folder.path().join("app.db")).unwrap();
        let raised = |work: &dyn Fn(&Transaction<'_>) -> Result<()>| {
            let before = queue.core().work().count();
            _ = queue.transaction(work);
            queue.core().work().count() > before
        };
        let task = NewTask::new("job", []);
        assert!(raised(&|tx| tx.enqueue(&task).map(drop)));
        assert!(!raised(&|tx| Ok(tx.execute_batch("CREATE TABLE user (name TEXT)")?)));
        assert!(!raised(&|tx| {
            tx.enqueue(&task)?;
            Err(Error::unanswered())
        }));
    }
}
