//! A task as it is enqueued.

use std::marker::PhantomData;
use std::sync::Arc;
use std::time::Duration;

use super::unique::sha256;
use crate::model::{Bytes, LimitUse, Names, Unique};
use crate::time::{Moment, Timestamp};

/// The queue of tasks, claims and pools unless another is named.
pub(crate) const DEFAULT_QUEUE: &str = "default";
/// The priority of a task unless another is given.
pub(crate) const DEFAULT_PRIORITY: i32 = 100;
/// Most attempts of a task unless another number is set.
pub(crate) const DEFAULT_MAX_ATTEMPTS: u32 = 5;

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
    /// [`DELAY_MAX`](crate::limits::DELAY_MAX): a clock that is set later moves the task no more than it moves a delay.
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
    /// Longer than the delay, and at most [`DELAY_MAX`](crate::limits::DELAY_MAX). A task that was started in time is retried
    /// as usual.
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

    /// Without that digest, as it was before it was submitted.
    pub(crate) fn without_digest(mut self) -> Self {
        if let Some(unique) = &mut self.unique {
            unique.digest = None;
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
