//! Cancelling one task.

use crate::engine::{Answer, Operation, Seen, Target, Targets};
use crate::model::{Error, Result, TaskId};
use crate::queue::{Queue, Submission};

/// What [`Queue::cancel`] did.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CancelOutcome {
    /// The task waited: it has ended, and is not run.
    Cancelled,
    /// The task runs: its handler is notified, and unless it completes, it ends as cancelled.
    Requested,
    /// There is no such task that waits or runs: it has ended, or never was.
    NotActive,
}

impl Queue {
    /// Cancels a task: see [`Tasks::cancel`](crate::Tasks::cancel), also for what happens to one that runs.
    ///
    /// # Errors
    /// An engine's failure.
    ///
    /// # Examples
    /// ```
    /// use prismq::{CancelOutcome, NewTask, Queue};
    ///
    /// # fn main() -> Result<(), prismq::Error> {
    /// # let folder = tempfile::tempdir().unwrap();
    /// # let queue = Queue::open(folder.path().join("queue.db"))?;
    /// let id = queue.enqueue(NewTask::new("mail", *b"hello"))?.id();
    /// assert_eq!(queue.cancel(id)?, CancelOutcome::Cancelled);
    /// assert_eq!(queue.cancel(id)?, CancelOutcome::NotActive);
    /// # Ok(())
    /// # }
    /// ```
    pub fn cancel(&self, id: TaskId) -> Result<CancelOutcome> {
        outcome(&self.core.submit(cancel(id))?)
    }

    /// [`Queue::cancel`] as a future.
    ///
    /// # Errors
    /// See [`Queue::cancel`].
    pub fn cancel_async(&self, id: TaskId) -> Submission<CancelOutcome> {
        self.apply_async(cancel(id), |_, answer| outcome(&answer))
    }
}

fn cancel(id: TaskId) -> Operation {
    let tasks = vec![Target { id, seen: Seen::Nothing }];
    Operation::Cancel(Targets { tasks, states: Vec::new() })
}

fn outcome(answer: &Answer) -> Result<CancelOutcome> {
    match answer {
        Answer::Cancelled(cancelled) if cancelled.ended > 0 => Ok(CancelOutcome::Cancelled),
        Answer::Cancelled(cancelled) if cancelled.requested.is_empty() => {
            Ok(CancelOutcome::NotActive)
        }
        Answer::Cancelled(_) => Ok(CancelOutcome::Requested),
        _ => Err(Error::unanswered()),
    }
}
