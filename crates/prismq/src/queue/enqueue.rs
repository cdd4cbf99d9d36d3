//! Adding tasks.

use super::Queue;
use crate::engine::{Answer, Operation};
use crate::model::{Error, NewTask, Result, TaskId};

impl Queue {
    /// Adds a task. When this returns `Ok`, the task is durable.
    ///
    /// # Errors
    /// [`Error::InvalidInput`] for an argument outside [`crate::limits`]; [`Error::Full`],
    /// [`Error::Busy`], [`Error::Overloaded`] or an engine's failure: the task was not added.
    pub fn enqueue(&self, task: &NewTask) -> Result<TaskId> {
        let ids = self.enqueue_all(std::slice::from_ref(task))?;
        ids.first().copied().ok_or_else(Error::unanswered)
    }

    /// Adds tasks, all or none, in one transaction; the ids are in the order of the tasks.
    ///
    /// # Errors
    /// See [`Queue::enqueue`].
    pub fn enqueue_all(&self, tasks: &[NewTask]) -> Result<Vec<TaskId>> {
        NewTask::validate_batch(tasks)?;
        if tasks.is_empty() {
            return Ok(Vec::new());
        }
        enqueued(self.core.submit(Operation::Enqueue(tasks.to_vec()))?)
    }
}

/// The ids of tasks that were added.
pub(super) fn enqueued(answer: Answer) -> Result<Vec<TaskId>> {
    match answer {
        Answer::Enqueued(ids) => Ok(ids),
        _ => Err(Error::unanswered()),
    }
}
