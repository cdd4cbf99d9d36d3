//! Transactions of the application's own on the queue's file.

use std::cell::Cell;
use std::ops::Deref;
use std::path::Path;

use super::{engine, enqueue_in};
use crate::model::{Error, IntoTask, Result};
use crate::queue::{Handle, Queue};

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

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::commit::Claimer;
    use crate::commit::tests::IdlePool;
    use crate::model::NewTask;

    #[test]
    fn a_transaction_wakes_pools_if_it_enqueued_and_committed() {
        let folder = tempfile::tempdir().unwrap();
        let queue = Queue::attach(folder.path().join("app.db")).unwrap();
        let pool = IdlePool::new(0);
        let claimer: Arc<dyn Claimer> = pool.clone();
        queue.core().add_claimer(Arc::downgrade(&claimer));
        let woken = |work: &dyn Fn(&Transaction<'_>) -> Result<()>| {
            _ = queue.transaction(work);
            pool.take_arrivals() > 0
        };
        let task = NewTask::new("job", []);
        assert!(woken(&|tx| tx.enqueue(&task).map(drop)));
        assert!(!woken(&|tx| Ok(tx.execute_batch("CREATE TABLE user (name TEXT)")?)));
        assert!(!woken(&|tx| {
            tx.enqueue(&task)?;
            Err(Error::unanswered())
        }));
    }
}
