//! A task: as it is enqueued, and as it is looked up later.

use std::marker::PhantomData;
use std::sync::Arc;
use std::time::Duration;

use crate::model::limits::{
    ATTEMPTS_MAX, DELAY_MAX, ENQUEUE_BATCH_MAX, PAYLOAD_BYTES_MAX, PRIORITY_MAX, PRIORITY_MIN,
    RESULT_BYTES_MAX,
};
use crate::model::{
    Attempt, Error, LimitUse, LogLine, Names, Progress, Result, TaskId, Unique, sha256,
    validate_name,
};
use crate::time::{Moment, Timestamp};

/// The queue of tasks, claims and pools unless another is named.
pub(crate) const DEFAULT_QUEUE: &str = "default";
/// The priority of a task unless another is given.
pub(crate) const DEFAULT_PRIORITY: i32 = 100;
/// Most attempts of a task unless another number is set.
pub(crate) const DEFAULT_MAX_ATTEMPTS: u32 = 5;

/// The state of a task.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum State {
    /// Can be claimed. A claim makes it `Leased`.
    Ready,
    /// Not due yet, as new or for a retry. Becomes `Ready` when it is due.
    Scheduled,
    /// Held by a lease. Completing it deletes it, or makes it `Completed` if the queue keeps a history; failing
    /// makes it `Scheduled`, `Ready` or `Dead`; releasing makes it `Ready`; so does the lease's expiry, or `Dead`
    /// after the last attempt.
    Leased,
    /// A dead letter: out of attempts, or failed permanently; kept with its last error.
    Dead,
    /// Completed, and kept as its queue's history.
    Completed,
    /// Cancelled, and kept as its queue's history.
    Cancelled,
}

/// The type parameter of a [`NewTask`] or a [`Handle`](crate::Handle) whose payload is bytes, of no type that prismq
/// knows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Bytes {}

/// A task to be enqueued. Cheap to clone: names and payload are shared.
///
/// [`Task::task`](crate::Task::task) makes one of a typed value, with the defaults of its type; [`NewTask::new`] makes
/// one of bytes.
///
/// # Examples
/// ```
/// use std::time::Duration;
/// use prismq::NewTask;
///
/// let reminder = NewTask::new("mail", *b"ann@example.org")
///     .queue("newsletter")
///     .priority(10) // before the usual 100
///     .delay(Duration::from_secs(24 * 60 * 60))
///     .max_attempts(3)
///     .requires(["smtp"]);
/// ```
#[derive(Debug, PartialEq, Eq)]
pub struct NewTask<T = Bytes> {
    pub(crate) queue: Arc<str>,
    pub(crate) task_type: Arc<str>,
    pub(crate) payload: Arc<[u8]>,
    pub(crate) priority: i32,
    pub(crate) delay: Duration,
    pub(crate) max_attempts: u32,
    pub(crate) requirements: Names,
    pub(crate) limit: LimitUse,
    pub(crate) unique: Option<Unique>,
    pub(crate) expires_after: Option<Duration>,
    /// Why the value has no payload: it could not be encoded. The task is then refused.
    pub(crate) unencodable: Option<Arc<str>>,
    pub(crate) payload_type: PhantomData<fn() -> T>,
    /// When it is due by the wall clock, instead of after `delay`.
    pub(crate) run_at: Option<Timestamp>,
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
            limit: LimitUse::default(),
            unique: None,
            expires_after: None,
            unencodable: None,
            payload_type: PhantomData,
            run_at: None,
        }
    }

    /// Whether the tasks of one call are within their bounds.
    pub(crate) fn validate_batch(tasks: &[Self]) -> Result<()> {
        if tasks.len() > ENQUEUE_BATCH_MAX {
            return Err(Error::invalid(
                "batch",
                format!(
                    "more than {ENQUEUE_BATCH_MAX} tasks, which is the most allowed in one call"
                ),
            ));
        }
        tasks.iter().try_for_each(Self::validate)
    }
}

impl<T> NewTask<T> {
    /// The queue it is added to; `default` unless set.
    #[must_use]
    pub fn queue(mut self, queue: impl Into<Arc<str>>) -> Self {
        self.queue = queue.into();
        self
    }

    /// Lower numbers are claimed first; 100 unless set.
    #[must_use]
    pub const fn priority(mut self, priority: i32) -> Self {
        self.priority = priority;
        self
    }

    /// How long after it was enqueued it is due; at once unless set. It replaces [`NewTask::run_at`].
    #[must_use]
    pub const fn delay(mut self, delay: Duration) -> Self {
        self.delay = delay;
        self.run_at = None;
        self
    }

    /// When it is due, by the wall clock; a past time is now. It replaces [`NewTask::delay`].
    ///
    /// How far off that is is decided by the wall clock when the task is enqueued, and must not be more than
    /// [`DELAY_MAX`]: a clock that is set later moves the task no more than it moves a delay.
    ///
    /// # Examples
    /// ```
    /// # #[cfg(feature = "jiff")]
    /// # fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// use prismq::NewTask;
    ///
    /// let at: jiff::Timestamp = "2030-01-01T09:00:00+01:00".parse()?;
    /// let task = NewTask::new("greeting", *b"a happy new year").run_at(at);
    /// # Ok(())
    /// # }
    /// # #[cfg(not(feature = "jiff"))]
    /// # fn main() {}
    /// ```
    #[must_use]
    pub fn run_at(mut self, time: impl Into<Timestamp>) -> Self {
        self.run_at = Some(time.into());
        self.delay = Duration::ZERO;
        self
    }

    /// Most attempts before it is dead; 5 unless set.
    #[must_use]
    pub const fn max_attempts(mut self, max_attempts: u32) -> Self {
        self.max_attempts = max_attempts;
        self
    }

    /// What a worker must have; nothing unless set. Only claims and pools whose capabilities contain all of these
    /// names are given the task.
    #[must_use]
    pub fn requires<N: Into<Arc<str>>>(mut self, names: impl IntoIterator<Item = N>) -> Self {
        self.requirements = Names::new(names);
        self
    }

    /// The limit that it is under, set by [`Queue::set_limit`](crate::Queue::set_limit) before it is enqueued; none
    /// unless set.
    #[must_use]
    pub fn limit(mut self, name: impl Into<Arc<str>>) -> Self {
        self.limit.name = Some(name.into());
        self
    }

    /// Whose task it is, say `tenant-42`; nobody's unless set. The keys of a type take turns, so that a key with many
    /// tasks keeps no other waiting; a limit can bound each of them. Priority orders the tasks of one key.
    #[must_use]
    pub fn key(mut self, key: impl Into<Arc<str>>) -> Self {
        self.limit.key = Some(key.into());
        self
    }

    /// Runs the ordered tasks of the same queue, limit and [key](Self::key) one at a time, of all types, in the queue's
    /// order. One that has begun keeps the key until it is completed or dead: others wait for its retries.
    #[must_use]
    pub const fn ordered(mut self) -> Self {
        self.limit.ordered = true;
        self
    }

    /// Adds it only if no task of its type holds its key; unless set, it is added in any case. See [`Unique`].
    #[must_use]
    pub fn unique(mut self, unique: Unique) -> Self {
        self.unique = Some(unique);
        self
    }

    /// How long after it was enqueued it must have started; unless set, it may start at any time. If it has not, it never
    /// runs: it becomes a dead letter that says so, and counts as [`expired`](crate::QueueStats::expired).
    ///
    /// Longer than the delay, and at most [`DELAY_MAX`]. A task that was started in time is retried as usual.
    #[must_use]
    pub const fn expires_after(mut self, time: Duration) -> Self {
        self.expires_after = Some(time);
        self
    }

    /// With the digest of its payload, if it is unique: large payloads take longer than a transaction should.
    pub(crate) fn with_digest(mut self) -> Self {
        if let Some(unique) = &mut self.unique {
            unique.digest = Some(sha256(&self.payload));
        }
        self
    }

    /// The same task without the type of its payload, so that tasks of several types fit in one batch.
    #[must_use]
    pub fn untyped(self) -> NewTask {
        self.with_payload_type()
    }

    /// The same task, its payload taken for a `U`.
    pub(crate) fn with_payload_type<U>(self) -> NewTask<U> {
        let Self {
            queue,
            task_type,
            payload,
            priority,
            delay,
            max_attempts,
            requirements,
            limit,
            unencodable,
            unique,
            expires_after,
            payload_type: _,
            run_at,
        } = self;
        NewTask {
            queue,
            task_type,
            payload,
            priority,
            delay,
            max_attempts,
            requirements,
            limit,
            unencodable,
            unique,
            expires_after,
            payload_type: PhantomData,
            run_at,
        }
    }

    /// Whether it is to run at once, as far as is known without a clock.
    pub(crate) const fn is_due_at_once(&self) -> bool {
        self.delay.is_zero() && self.run_at.is_none()
    }

    /// How long after this moment it is due.
    pub(crate) fn delay_from(&self, now: Moment) -> Duration {
        self.run_at.map_or(self.delay, |time| time.since(now.wall))
    }

    /// Whether the tasks of one call are due within [`DELAY_MAX`] of this moment.
    pub(crate) fn validate_due(tasks: &[Self], now: Moment) -> Result<()> {
        let late = |time: &Timestamp| time.since(now.wall) > DELAY_MAX;
        match tasks.iter().filter_map(|task| task.run_at).find(late) {
            Some(time) => Err(Error::invalid(
                "run_at",
                format!("{time}, at most {DELAY_MAX:?} (ten years) from now is allowed"),
            )),
            None => Ok(()),
        }
    }

    pub(crate) fn validate(&self) -> Result<()> {
        validate_name("queue name", &self.queue)?;
        validate_name("task type", &self.task_type)?;
        if let Some(reason) = &self.unencodable {
            return Err(Error::invalid(
                "payload",
                format!("a task of type {:?} cannot be encoded: {reason}", self.task_type),
            ));
        }
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
                format!("{priority}, must be {PRIORITY_MIN} to {PRIORITY_MAX}"),
            ));
        }
        if self.max_attempts == 0 || self.max_attempts > ATTEMPTS_MAX {
            let attempts = self.max_attempts;
            return Err(Error::invalid(
                "max_attempts",
                format!("{attempts}, must be 1 to {ATTEMPTS_MAX}"),
            ));
        }
        self.requirements.validate_requirements()?;
        self.limit.validate()?;
        self.unique.as_ref().map_or(Ok(()), Unique::validate)?;
        if let Some(time) = self.expires_after {
            validate_delay("time to live", time)?;
            if time <= self.delay {
                let delay = self.delay;
                let reason = format!("{time:?}, must be longer than the delay, {delay:?}");
                return Err(Error::invalid("time to live", reason));
            }
        }
        validate_delay("delay", self.delay)
    }
}

impl<T> Clone for NewTask<T> {
    fn clone(&self) -> Self {
        Self {
            queue: self.queue.clone(),
            task_type: self.task_type.clone(),
            payload: self.payload.clone(),
            priority: self.priority,
            delay: self.delay,
            max_attempts: self.max_attempts,
            requirements: self.requirements.clone(),
            limit: self.limit.clone(),
            unencodable: self.unencodable.clone(),
            unique: self.unique.clone(),
            expires_after: self.expires_after,
            payload_type: PhantomData,
            run_at: self.run_at,
        }
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

pub(crate) fn validate_result(result: &[u8]) -> Result<()> {
    if result.len() > RESULT_BYTES_MAX {
        let bytes = result.len();
        return Err(Error::invalid(
            "result",
            format!("{bytes} bytes, at most {RESULT_BYTES_MAX} are allowed"),
        ));
    }
    Ok(())
}

/// A task as it was read.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct TaskInfo {
    /// Its id.
    pub id: TaskId,
    /// Its queue.
    pub queue: String,
    /// Its type.
    pub task_type: String,
    /// What a worker must have to run it.
    pub requirements: Vec<String>,
    /// Its state.
    pub state: State,
    /// Lower numbers run first.
    pub priority: i32,
    /// Attempts so far: claims less releases.
    pub attempt: u32,
    /// Most attempts.
    pub max_attempts: u32,
    /// When it was enqueued.
    pub enqueued_at: Timestamp,
    /// When it is due, or died if it is dead, by the wall clock as it is set now.
    pub run_at: Timestamp,
    /// When its lease expires, while it is leased; by the wall clock as it is set now.
    pub lease_expires_at: Option<Timestamp>,
    /// When it was completed or cancelled, if it was.
    pub completed_at: Option<Timestamp>,
    /// The last failure's text.
    pub error: Option<String>,
    /// Its payload; empty for a dead letter whose payload is missing.
    pub payload: Vec<u8>,
    /// The time that a schedule enqueued it for, by the wall clock; `None` for any other task.
    pub scheduled_for: Option<Timestamp>,
    /// Its failed attempts, the latest last, up to [`ATTEMPTS_KEPT_MAX`](crate::limits::ATTEMPTS_KEPT_MAX).
    pub attempts: Vec<Attempt>,
    /// What it resulted in, if it was completed with a result.
    pub result: Option<Vec<u8>>,
    /// How far it has come, if its handler reported that.
    pub progress: Option<Progress>,
    /// The last checkpoint of its handler, if there was one.
    pub checkpoint: Option<Vec<u8>>,
    /// What its handler logged with it, the latest last, up to [`LOG_LINES_MAX`](crate::limits::LOG_LINES_MAX).
    pub log: Vec<LogLine>,
}

impl TaskInfo {
    /// With its monotonic times converted to the wall clock.
    pub(crate) fn at_wall_clock(self, now: Moment) -> Self {
        Self {
            run_at: now.to_wall(self.run_at),
            lease_expires_at: self.lease_expires_at.map(|time| now.to_wall(time)),
            ..self
        }
    }
}
