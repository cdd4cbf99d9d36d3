//! What an operator sets and keeps: backups, schedules, and, in this file, the settings of a queue, which are kept in the file and apply to every process.

mod backup;
mod schedules;

use std::time::Duration;

pub use self::backup::Restore;
pub use self::schedules::Schedules;
use super::Queue;
use crate::engine::{Answer, Operation};
use crate::model::limits::HISTORY_MAX;
use crate::model::{
    Error, Limit, Order, Result, Retention, RetryPolicy, validate_age, validate_concurrency,
    validate_name,
};

impl Queue {
    /// Sets the order of a queue's ready tasks; [`Order::Priority`] unless set. It is kept in the file and applies to
    /// every process.
    ///
    /// # Errors
    /// [`Error::NotEmpty`] if the queue has another order and tasks that wait or run; [`Error::InvalidInput`]; an
    /// engine's failure.
    pub fn set_order(&self, queue: &str, order: Order) -> Result<()> {
        validate_name("queue name", queue)?;
        order.validate()?;
        self.core.submit(Operation::SetOrder { queue: queue.into(), order }).map(drop)
    }

    /// Pauses a queue: no process can claim its tasks until it is resumed. Tasks can still be enqueued, and running
    /// handlers continue; pools release what they have prefetched, those of this handle at once and others with
    /// their next claim.
    ///
    /// # Errors
    /// [`Error::InvalidInput`] for a name that no queue can have; an engine's failure.
    pub fn pause(&self, queue: &str) -> Result<()> {
        self.set_paused(queue, true)
    }

    /// Resumes a paused queue.
    ///
    /// # Errors
    /// See [`Queue::pause`].
    pub fn resume(&self, queue: &str) -> Result<()> {
        self.set_paused(queue, false)
    }

    /// Sets how many of a queue's most recently completed tasks are kept, to be read by [`Queue::task`]; none unless
    /// set. The rest of its [`Retention`] stays. It is kept in the file and applies to every process.
    ///
    /// Lowering it deletes the oldest, in several transactions if they are many.
    ///
    /// # Errors
    /// [`Error::InvalidInput`] for more than [`HISTORY_MAX`] or a name that no queue can have; an
    /// engine's failure.
    pub fn set_history(&self, queue: &str, keep: u32) -> Result<()> {
        validate_name("queue name", queue)?;
        if keep > HISTORY_MAX {
            let reason = format!("{keep} tasks, at most {HISTORY_MAX} are kept");
            return Err(Error::invalid("history", reason));
        }
        self.prune(&Operation::SetHistory { queue: queue.into(), keep })
    }

    /// Sets which of a queue's ended tasks are kept, but of types with a retention of their own
    /// ([`Queue::set_type_retention`]); [`Retention::default`] unless set: all dead ones for ever, no
    /// completed and no cancelled ones. It is kept in the file and applies to every process.
    ///
    /// What is beyond it is deleted by this call, in several transactions if it is much. From then on every process
    /// that has the file open deletes what exceeds it, in small steps: about a second after a commit by number, within
    /// about a minute by age.
    ///
    /// # Errors
    /// [`Error::InvalidInput`] for more than [`HISTORY_MAX`] tasks, an age that is zero or above ten years, or a name
    /// that no queue can have; an engine's failure.
    pub fn set_retention(&self, queue: &str, retention: Retention) -> Result<()> {
        validate_name("queue name", queue)?;
        retention.validate()?;
        self.prune(&Operation::SetRetention { queue: queue.into(), retention })
    }

    /// Sets for how long the ended tasks of a type are kept, for every process and in every queue; `None` returns to the
    /// retention of their queues, or to what the type declares
    /// ([`TaskOptions::keep`](crate::TaskOptions::keep)) once a pool with its handler starts. It is kept in the file.
    ///
    /// The retention of a queue neither counts nor deletes the tasks of such a type. Completed and cancelled tasks are
    /// kept for the time that is set when they end, dead ones for the one that is set now; each is deleted about a minute
    /// after its time.
    ///
    /// # Errors
    /// [`Error::InvalidInput`] for an age that is zero or above ten years, or a name that no type can have; an engine's
    /// failure.
    ///
    /// # Examples
    /// ```
    /// # fn main() -> Result<(), prismq::Error> {
    /// # let folder = tempfile::tempdir().unwrap();
    /// # let queue = prismq::Queue::open(folder.path().join("queue.db"))?;
    /// use std::time::Duration;
    ///
    /// queue.set_type_retention("invoice", Duration::from_secs(30 * 24 * 60 * 60))?;
    /// # Ok(())
    /// # }
    /// ```
    pub fn set_type_retention(
        &self,
        task_type: &str,
        age: impl Into<Option<Duration>>,
    ) -> Result<()> {
        validate_name("task type", task_type)?;
        let age = age.into();
        age.map_or(Ok(()), validate_age)?;
        let task_type = task_type.into();
        self.core
            .submit(Operation::SetTypeRetention { task_type, age, by_operator: true })
            .map(drop)
    }

    /// Repeats an operation until it has no more to delete.
    fn prune(&self, operation: &Operation) -> Result<()> {
        loop {
            match self.core.submit(operation.clone())? {
                Answer::Pruned { more: true } => {}
                Answer::Pruned { more: false } => return Ok(()),
                _ => return Err(Error::unanswered()),
            }
        }
    }

    /// Sets how many tasks of a queue run at once, over all processes; unlimited unless set. A task runs from its claim
    /// until it is settled or another claim finds its lease expired. It is kept in the file; a lower number waits for
    /// tasks that run to end.
    ///
    /// # Errors
    /// [`Error::InvalidInput`] for 0, more than [`CONCURRENCY_MAX`](crate::limits::CONCURRENCY_MAX) or a name that no
    /// queue can have; an engine's failure.
    pub fn set_concurrency(&self, queue: &str, tasks: Option<u32>) -> Result<()> {
        validate_name("queue name", queue)?;
        tasks.map_or(Ok(()), validate_concurrency)?;
        self.core.submit(Operation::SetConcurrency { queue: queue.into(), tasks }).map(drop)
    }

    /// Sets the bounds of a limit, for tasks that name it by [`NewTask::limit`](crate::NewTask::limit). It is kept in
    /// the file, applies to every process and to tasks that wait already, and is in force with the next claim; a
    /// lower bound waits for tasks that run to end.
    ///
    /// # Errors
    /// [`Error::InvalidInput`] for a bound outside [`crate::limits`]; [`Error::TooManyLimits`]; an engine's failure.
    pub fn set_limit(&self, name: &str, limit: Limit) -> Result<()> {
        validate_name("limit name", name)?;
        limit.validate()?;
        self.core.submit(Operation::SetLimit { name: name.into(), limit }).map(drop)
    }

    /// Removes a limit; whether there was one. Tasks that are in the file and name it run without its bounds, as if it had
    /// never been set, and wait no longer; new ones are refused with [`Error::UnknownLimit`]. If a limit of this name is
    /// set again, it bounds those that are left as well.
    ///
    /// # Errors
    /// [`Error::InvalidInput`] for a name that no limit can have; an engine's failure.
    ///
    /// # Examples
    /// ```
    /// # fn main() -> Result<(), prismq::Error> {
    /// # let folder = tempfile::tempdir().unwrap();
    /// # let queue = prismq::Queue::open(folder.path().join("queue.db"))?;
    /// use prismq::{Error, Limit, NewTask};
    ///
    /// let call = NewTask::new("call", []).limit("api");
    /// queue.set_limit("api", Limit::concurrency(1))?;
    /// queue.enqueue(&call)?;
    /// assert!(queue.remove_limit("api")?);
    /// assert!(matches!(queue.enqueue(&call), Err(Error::UnknownLimit { .. })));
    /// # Ok(())
    /// # }
    /// ```
    pub fn remove_limit(&self, name: &str) -> Result<bool> {
        validate_name("limit name", name)?;
        match self.core.submit(Operation::RemoveLimit(name.into()))? {
            Answer::LimitRemoved(removed) => Ok(removed),
            _ => Err(Error::unanswered()),
        }
    }

    /// Limits how many live tasks (ready, scheduled and leased) a queue may hold; `None` lifts the limit. Enqueueing more
    /// is refused with [`Error::QueueFull`], which hands the tasks back, a batch as a whole. It is kept in the file and
    /// applies to every process.
    ///
    /// Tasks that are in the queue already are not affected: they can be retried, released and reclaimed although the
    /// limit was lowered meanwhile.
    ///
    /// # Errors
    /// [`Error::InvalidInput`] for a limit of 0 ([`Queue::pause`] stops a queue) or a name that no queue can have; an
    /// engine's failure.
    ///
    /// # Examples
    /// ```
    /// # fn main() -> Result<(), prismq::Error> {
    /// # let folder = tempfile::tempdir().unwrap();
    /// # let queue = prismq::Queue::open(folder.path().join("queue.db"))?;
    /// use prismq::{Error, NewTask};
    ///
    /// queue.set_depth_limit("default", 1)?;
    /// queue.enqueue(&NewTask::new("mail", *b"first"))?;
    /// let refused = queue.enqueue(&NewTask::new("mail", *b"second"));
    /// assert!(matches!(refused, Err(Error::QueueFull { limit: 1, .. })));
    /// # Ok(())
    /// # }
    /// ```
    pub fn set_depth_limit(&self, queue: &str, limit: impl Into<Option<u32>>) -> Result<()> {
        validate_name("queue name", queue)?;
        let limit = limit.into();
        if limit == Some(0) {
            return Err(Error::invalid("depth limit", "0, must be at least 1: pause the queue"));
        }
        self.core.submit(Operation::SetDepth { queue: queue.into(), limit }).map(drop)
    }

    /// Sets when failed tasks of a type run again, for every process; `None` returns to the type's own policy. It is kept
    /// in the file, and applies to failures from then on, in every queue.
    ///
    /// It replaces what the type declares, what [`QueueBuilder::retry`](crate::QueueBuilder::retry) sets and what a pool's
    /// closure decides ([`WorkerPoolBuilder::retry`](crate::WorkerPoolBuilder::retry)), but not a delay that an error asks for ([`TaskError::retry_after`](crate::TaskError::retry_after)).
    ///
    /// # Errors
    /// [`Error::InvalidInput`] for a policy with a delay beyond [`DELAY_MAX`](crate::limits::DELAY_MAX), a multiplier
    /// below 1 or a jitter outside 0 to 1, or for a name that no type can have; an engine's failure.
    pub fn set_retry(&self, task_type: &str, policy: impl Into<Option<RetryPolicy>>) -> Result<()> {
        validate_name("task type", task_type)?;
        let policy = policy.into();
        policy.map_or(Ok(()), |policy| policy.validate())?;
        let task_type = task_type.into();
        self.core.submit(Operation::SetRetry { task_type, policy, by_operator: true }).map(drop)
    }

    fn set_paused(&self, queue: &str, paused: bool) -> Result<()> {
        validate_name("queue name", queue)?;
        self.core.submit(Operation::SetPaused { queue: queue.into(), paused }).map(drop)
    }
}
