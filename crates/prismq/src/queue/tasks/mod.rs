//! Tasks that an operator means: a filter, and what can be done with all tasks that meet it. [`act`] changes them,
//! this file and [`find`] only read.

mod act;
mod cancel;
mod find;

use std::sync::Arc;
use std::time::Duration;

pub use self::act::{CancelCount, Redrive};
pub use self::cancel::CancelOutcome;
use super::Queue;
use crate::model::{Fingerprint, State, Task, TaskFilter};

/// Some tasks of a queue file, by a filter: to be listed, counted, redriven, cancelled or deleted.
///
/// Without a condition these are all tasks of all queues. Conditions on different properties must all be met; of
/// several states or types, one.
///
/// What changes tasks works on those that are there when it is called. It reads them without blocking anyone, and
/// changes them in transactions of up to 512 tasks and about 16 MiB of payloads, between which others go on; a task
/// that was claimed, redriven or ended meanwhile is left alone, but that [`Tasks::cancel`] of running tasks means those
/// that begin meanwhile too. If it fails, what earlier transactions did stays.
///
/// # Cost
/// Queue, type and state are looked up in indexes: what other queues, types and states hold costs nothing, except that
/// running tasks share one index, and scheduled ones another. Age and error text are read of each task that these leave,
/// in steps of 4096 tasks. [`Tasks::count`] reads counters if nothing but queue and states is given.
///
/// # Examples
/// ```
/// use std::time::Duration;
/// use prismq::{Claim, NewTask, Queue, Redrive, TaskError};
///
/// # fn main() -> Result<(), prismq::Error> {
/// # let folder = tempfile::tempdir().unwrap();
/// # let queue = Queue::open(folder.path().join("queue.db"))?;
/// # queue.enqueue(NewTask::new("invoice", []))?;
/// # let lease = queue.claim(&Claim::new(["invoice"]))?.remove(0);
/// # queue.fail(&lease, TaskError::permanent("connect to 10.0.0.7: refused"))?;
/// let failed = queue.tasks().of_type("invoice").dead();
/// for group in failed.errors()?.groups {
///     println!("{} x {} ({})", group.count, group.error, group.fingerprint);
/// }
/// // The cause is mended: put those tasks back, 100 a second.
/// let refused = failed.error_contains("refused");
/// let redriven = refused.redrive_with(Redrive::new().rate(100, Duration::from_secs(1)))?;
/// assert_eq!(redriven, 1);
/// # Ok(())
/// # }
/// ```
#[derive(Debug, Clone)]
#[must_use = "a filter does nothing by itself: call list, count, errors, redrive, cancel or delete"]
pub struct Tasks {
    queue: Queue,
    filter: TaskFilter,
}

impl Queue {
    /// All tasks of the file, to be narrowed down: see [`Tasks`].
    pub fn tasks(&self) -> Tasks {
        Tasks { queue: self.clone(), filter: TaskFilter::default() }
    }
}

impl Tasks {
    /// Only tasks of this queue.
    pub fn queue(mut self, name: impl Into<Arc<str>>) -> Self {
        self.filter.queue = Some(name.into());
        self
    }

    /// Only tasks of this type; called again, of any of the types.
    pub fn of_type(mut self, task_type: impl Into<Arc<str>>) -> Self {
        self.filter.types.push(task_type.into());
        self
    }

    /// Only tasks of this type; called again, of any of the types.
    pub fn of<T: Task>(self) -> Self {
        self.of_type(T::TYPE)
    }

    /// Only tasks in this state; called again, in any of the states.
    pub fn state(mut self, state: State) -> Self {
        if !self.filter.states.contains(&state) {
            self.filter.states.push(state);
        }
        self
    }

    /// Only tasks that can be claimed now.
    pub fn ready(self) -> Self {
        self.state(State::Ready)
    }

    /// Only tasks that are not due yet.
    pub fn scheduled(self) -> Self {
        self.state(State::Scheduled)
    }

    /// Only tasks that are held by a lease.
    pub fn running(self) -> Self {
        self.state(State::Leased)
    }

    /// Only dead tasks.
    pub fn dead(self) -> Self {
        self.state(State::Dead)
    }

    /// Only completed tasks that are kept.
    pub fn completed(self) -> Self {
        self.state(State::Completed)
    }

    /// Only cancelled tasks that are kept.
    pub fn cancelled(self) -> Self {
        self.state(State::Cancelled)
    }

    /// Only tasks of this key, of whichever limit ([`NewTask::key`](crate::NewTask::key)), that are not completed or
    /// cancelled: the key is not kept with those.
    pub fn key(mut self, key: impl Into<Arc<str>>) -> Self {
        self.filter.key = Some(key.into());
        self
    }

    /// Only tasks of at least this age: how long ago they died, were completed or cancelled, and for all others, were
    /// enqueued.
    pub const fn older_than(mut self, age: Duration) -> Self {
        self.filter.age.at_least = Some(age);
        self
    }

    /// Only tasks of less than this age: see [`Tasks::older_than`].
    pub const fn newer_than(mut self, age: Duration) -> Self {
        self.filter.age.less_than = Some(age);
        self
    }

    /// Only tasks whose last error contains this text; case counts.
    pub fn error_contains(mut self, text: impl Into<String>) -> Self {
        self.filter.error_contains = Some(text.into());
        self
    }

    /// Only tasks whose last error has this fingerprint: see [`Tasks::errors`].
    pub const fn fingerprint(mut self, fingerprint: Fingerprint) -> Self {
        self.filter.fingerprint = Some(fingerprint);
        self
    }
}
