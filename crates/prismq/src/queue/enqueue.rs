//! Adding tasks.

use super::Queue;
use crate::engine::sqlite::enqueue_in;
use crate::engine::{Answer, Operation};
use crate::model::limits::ENQUEUE_BATCH_MAX;
use crate::model::{Error, NewTask, Result, TaskId};
use crate::time::Moment;

impl Queue {
    /// Adds a task. When this returns `Ok`, the task is durable.
    ///
    /// # Errors
    /// [`Error::InvalidInput`] for an argument outside [`crate::limits`]; [`Error::Full`],
    /// [`Error::Busy`], [`Error::Overloaded`] or an engine's failure: the task was then not added.
    pub fn enqueue(&self, task: &NewTask) -> Result<TaskId> {
        let ids = self.enqueue_all(std::slice::from_ref(task))?;
        ids.first().copied().ok_or_else(Error::unanswered)
    }

    /// Adds tasks, all or none, in one transaction; the ids are in the order of the tasks.
    ///
    /// # Errors
    /// See [`Queue::enqueue`].
    pub fn enqueue_all(&self, tasks: &[NewTask]) -> Result<Vec<TaskId>> {
        validate_batch(tasks)?;
        if tasks.is_empty() {
            return Ok(Vec::new());
        }
        match self.core.submit(Operation::Enqueue(tasks.to_vec()))? {
            Answer::Enqueued(ids) => Ok(ids),
            _ => Err(Error::unanswered()),
        }
    }

    /// Adds tasks in a transaction of the caller's own, on the caller's own connection to the queue's
    /// file: they are there, and workers are told, if and when that transaction commits.
    ///
    /// Begin the transaction with `BEGIN IMMEDIATE`: one that reads first may be refused the write
    /// lock. How durable the tasks are is decided by the connection's `synchronous` setting.
    ///
    /// # Errors
    /// [`Error::InvalidInput`] for an argument outside [`crate::limits`], a connection without a
    /// transaction, or one to another file; an engine's failure. The transaction can go on, and holds
    /// none of the tasks. [`Error::TransactionRolledBack`] if the failure, say a full disk, ended the
    /// transaction: nothing of it was kept, and it must be begun again.
    pub fn enqueue_in(
        &self,
        transaction: &rusqlite::Connection,
        tasks: &[NewTask],
    ) -> Result<Vec<TaskId>> {
        validate_batch(tasks)?;
        self.core.check_owner()?;
        let now = Moment::now(&**self.core.clock());
        enqueue_in(transaction, self.core.file(), now, tasks)
    }
}

fn validate_batch(tasks: &[NewTask]) -> Result<()> {
    let count = tasks.len();
    if count > ENQUEUE_BATCH_MAX {
        return Err(Error::invalid(
            "batch",
            format!("{count} tasks, at most {ENQUEUE_BATCH_MAX} are allowed in one call"),
        ));
    }
    tasks.iter().try_for_each(NewTask::validate)
}
