//! A task: what a caller hands in, and what the store says of it later.

use std::sync::Arc;
use std::time::Duration;

use crate::model::limits::{
    ATTEMPTS_MAX, DELAY_MAX, ENQUEUE_BATCH_MAX, PAYLOAD_BYTES_MAX, PRIORITY_MAX, PRIORITY_MIN,
};
use crate::model::{Error, Names, Result, TaskId, validate_name};
use crate::time::{Moment, Timestamp};

/// The queue a task goes to, and a pool serves, unless another is named.
pub(crate) const DEFAULT_QUEUE: &str = "default";
/// The priority of a task unless another is given.
pub(crate) const DEFAULT_PRIORITY: i32 = 100;
/// The attempts a task is given unless told otherwise.
pub(crate) const DEFAULT_MAX_ATTEMPTS: u32 = 5;

/// Where a task stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum State {
    /// May be claimed now. Becomes `Leased` by a claim.
    Ready,
    /// Waits for its due time, as new or for a retry. Becomes `Ready` when it is due.
    Scheduled,
    /// Held by a lease. Completing deletes it, or makes it `Completed` where
    /// the queue keeps a history; failing makes it `Scheduled`, `Ready` or `Dead`;
    /// releasing makes it `Ready`; so does the lease's expiry, or `Dead` after the last attempt.
    Leased,
    /// Out of attempts: the dead letter, kept with its last error.
    Dead,
    /// Done, and kept as its queue's history.
    Completed,
}

/// A task to be enqueued. Cheap to clone: names and payload are shared.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewTask {
    pub(crate) queue: Arc<str>,
    pub(crate) task_type: Arc<str>,
    pub(crate) payload: Arc<[u8]>,
    pub(crate) priority: i32,
    pub(crate) delay: Duration,
    pub(crate) max_attempts: u32,
    pub(crate) requirements: Names,
}

impl NewTask {
    /// A task of this type with these bytes for its handler, in the queue `default`, with priority
    /// 100, no delay and 5 attempts.
    pub fn new(task_type: impl Into<Arc<str>>, payload: impl Into<Arc<[u8]>>) -> Self {
        Self {
            queue: DEFAULT_QUEUE.into(),
            task_type: task_type.into(),
            payload: payload.into(),
            priority: DEFAULT_PRIORITY,
            delay: Duration::ZERO,
            max_attempts: DEFAULT_MAX_ATTEMPTS,
            requirements: Names::default(),
        }
    }

    /// The queue it goes to.
    #[must_use]
    pub fn queue(mut self, queue: impl Into<Arc<str>>) -> Self {
        self.queue = queue.into();
        self
    }

    /// Lower numbers run first.
    #[must_use]
    pub const fn priority(mut self, priority: i32) -> Self {
        self.priority = priority;
        self
    }

    /// Not before this much later.
    #[must_use]
    pub const fn delay(mut self, delay: Duration) -> Self {
        self.delay = delay;
        self
    }

    /// How many times it may be tried before it is dead.
    #[must_use]
    pub const fn max_attempts(mut self, max_attempts: u32) -> Self {
        self.max_attempts = max_attempts;
        self
    }

    /// What a worker must have to be given it; nothing unless set. Only a claim or pool whose capabilities
    /// contain all of these names takes it.
    #[must_use]
    pub fn requires<T: Into<Arc<str>>>(mut self, names: impl IntoIterator<Item = T>) -> Self {
        self.requirements = Names::new(names);
        self
    }

    /// Whether the tasks of one call are within their bounds.
    pub(crate) fn validate_batch(tasks: &[Self]) -> Result<()> {
        let count = tasks.len();
        if count > ENQUEUE_BATCH_MAX {
            return Err(Error::invalid(
                "batch",
                format!("{count} tasks, at most {ENQUEUE_BATCH_MAX} are allowed in one call"),
            ));
        }
        tasks.iter().try_for_each(Self::validate)
    }

    pub(crate) fn validate(&self) -> Result<()> {
        validate_name("queue name", &self.queue)?;
        validate_name("task type", &self.task_type)?;
        if self.payload.len() > PAYLOAD_BYTES_MAX {
            let bytes = self.payload.len();
            return Err(Error::invalid(
                "payload",
                format!("{bytes} bytes, at most {PAYLOAD_BYTES_MAX} are allowed"),
            ));
        }
        if !(PRIORITY_MIN..=PRIORITY_MAX).contains(&self.priority) {
            let priority = self.priority;
            return Err(Error::invalid(
                "priority",
                format!("{priority}, must lie in {PRIORITY_MIN} to {PRIORITY_MAX}"),
            ));
        }
        if self.max_attempts == 0 || self.max_attempts > ATTEMPTS_MAX {
            let attempts = self.max_attempts;
            return Err(Error::invalid(
                "max_attempts",
                format!("{attempts}, must lie in 1 to {ATTEMPTS_MAX}"),
            ));
        }
        self.requirements.validate_requirements()?;
        validate_delay("delay", self.delay)
    }
}

pub(crate) fn validate_delay(what: &'static str, delay: Duration) -> Result<()> {
    if delay > DELAY_MAX {
        return Err(Error::invalid(
            what,
            format!("{delay:?}, at most {DELAY_MAX:?} (ten years) is allowed"),
        ));
    }
    Ok(())
}

/// A task as it stands in the file.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Task {
    /// Its id.
    pub id: TaskId,
    /// Its queue.
    pub queue: String,
    /// Its type.
    pub task_type: String,
    /// What a worker must have to be given it.
    pub requirements: Vec<String>,
    /// Where it stands.
    pub state: State,
    /// Lower numbers run first.
    pub priority: i32,
    /// Attempts counted so far: claims less releases.
    pub attempt: u32,
    /// Attempts it is given.
    pub max_attempts: u32,
    /// When it was enqueued.
    pub enqueued_at: Timestamp,
    /// Not before this time, by the present setting of the wall clock.
    pub run_at: Timestamp,
    /// When its lease ends, while it is leased; by the present setting of the wall clock.
    pub lease_expires_at: Option<Timestamp>,
    /// When it was completed, if it was.
    pub completed_at: Option<Timestamp>,
    /// The last failure's text.
    pub error: Option<String>,
    /// The bytes for its handler; none for a dead letter whose payload is missing.
    pub payload: Vec<u8>,
}

impl Task {
    /// With the times that were read as monotonic ones as the wall clock has them now.
    pub(crate) fn shown(self, now: Moment) -> Self {
        Self {
            run_at: now.shown(self.run_at),
            lease_expires_at: self.lease_expires_at.map(|time| now.shown(time)),
            ..self
        }
    }
}
