//! A claim, and the lease it gives: one task held for a time, under a fencing token.

use std::fmt;
use std::ops::{Deref, Range};
use std::sync::Arc;
use std::time::Duration;

use crate::clock::{Moment, Timestamp};
use crate::error::{Error, Result};
use crate::limits::{CLAIM_BATCH_MAX, CLAIM_TYPES_MAX, LEASE_MAX, LEASE_MIN};
use crate::requirements::Names;
use crate::task::{DEFAULT_QUEUE, TaskId, validate_name};

/// The lease of a claim unless another is asked for.
pub(crate) const DEFAULT_LEASE: Duration = Duration::from_secs(60);

/// What to claim: up to some number of tasks of some types from one queue.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Claim {
    pub(crate) queue: Arc<str>,
    pub(crate) types: Arc<[Arc<str>]>,
    pub(crate) capabilities: Names,
    pub(crate) max: usize,
    pub(crate) lease: Duration,
    /// Up to so many tasks are begun as soon as they are claimed: an attempt at one of them is used up
    /// if its lease expires. Of more, nobody knows which are begun.
    pub(crate) begun_max: usize,
    /// At most so many of the tasks may be suspects: such as a process held when its lease expired, perhaps
    /// as one of them killed it.
    pub(crate) suspects_max: usize,
    /// Of the tasks found, as many first ones as have no more payload bytes together, and the first however
    /// large; those behind stay ready.
    pub(crate) bytes_max: usize,
}

impl Claim {
    /// One task of any of these types, from the queue `default`, for 60 seconds.
    pub fn new<T: Into<Arc<str>>>(types: impl IntoIterator<Item = T>) -> Self {
        Self {
            queue: DEFAULT_QUEUE.into(),
            types: types.into_iter().map(Into::into).collect(),
            capabilities: Names::default(),
            max: 1,
            lease: DEFAULT_LEASE,
            begun_max: usize::MAX,
            suspects_max: usize::MAX,
            bytes_max: usize::MAX,
        }
    }

    /// The queue to claim from.
    #[must_use]
    pub fn queue(mut self, queue: impl Into<Arc<str>>) -> Self {
        self.queue = queue.into();
        self
    }

    /// What the claiming worker has: tasks that require anything else are left to others.
    #[must_use]
    pub fn capabilities<T: Into<Arc<str>>>(mut self, names: impl IntoIterator<Item = T>) -> Self {
        self.capabilities = Names::new(names);
        self
    }

    /// At most this many tasks. Their payloads are bounded too, by
    /// [`CLAIM_BYTES_MAX`](crate::limits::CLAIM_BYTES_MAX).
    #[must_use]
    pub const fn max(mut self, max: usize) -> Self {
        self.max = max;
        self
    }

    /// How long the tasks are held unless the lease is extended.
    #[must_use]
    pub const fn lease(mut self, lease: Duration) -> Self {
        self.lease = lease;
        self
    }

    pub(crate) const fn begun_max(mut self, begun_max: usize) -> Self {
        self.begun_max = begun_max;
        self
    }

    pub(crate) const fn suspects_max(mut self, suspects_max: usize) -> Self {
        self.suspects_max = suspects_max;
        self
    }

    pub(crate) const fn bytes_max(mut self, bytes_max: usize) -> Self {
        self.bytes_max = bytes_max;
        self
    }

    pub(crate) fn validate(&self) -> Result<()> {
        validate_name("queue name", &self.queue)?;
        if self.types.is_empty() || self.types.len() > CLAIM_TYPES_MAX {
            let types = self.types.len();
            return Err(Error::invalid(
                "claim",
                format!("names {types} task types, must name 1 to {CLAIM_TYPES_MAX}"),
            ));
        }
        for task_type in self.types.iter() {
            validate_name("task type", task_type)?;
        }
        if self.max == 0 || self.max > CLAIM_BATCH_MAX {
            let max = self.max;
            return Err(Error::invalid(
                "claim",
                format!("asks for {max} tasks, must ask for 1 to {CLAIM_BATCH_MAX}"),
            ));
        }
        self.capabilities.validate_capabilities()?;
        validate_lease(self.lease)
    }
}

pub(crate) fn validate_lease(lease: Duration) -> Result<()> {
    if !(LEASE_MIN..=LEASE_MAX).contains(&lease) {
        return Err(Error::invalid(
            "lease",
            format!("{lease:?}, must lie in {LEASE_MIN:?} to {LEASE_MAX:?}"),
        ));
    }
    Ok(())
}

/// What fences one claim of one task: a later claim of the task has a higher token, and this key
/// then opens nothing any more.
///
/// It also carries what never changes while the task lives, so that settling it needs no read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) struct LeaseKey {
    pub(crate) id: TaskId,
    pub(crate) token: i64,
    /// The number of the file it was claimed from, drawn by chance when that was created.
    pub(crate) file: i64,
    /// The engine's own number of the task's queue.
    pub(crate) queue: i64,
    /// Whether the payload stands apart from the task and must be deleted with it.
    pub(crate) payload_apart: bool,
}

/// The bytes of a task, which may stand among those of others of its claim: one allocation for many is
/// many times as cheap as one each.
#[derive(Clone)]
pub(crate) struct Payload {
    /// `None` until they are read.
    bytes: Option<Arc<Vec<u8>>>,
    range: Range<usize>,
}

impl Payload {
    /// The part of `bytes` in this range.
    pub(crate) const fn part(bytes: Arc<Vec<u8>>, range: Range<usize>) -> Self {
        Self { bytes: Some(bytes), range }
    }

    /// One that stands apart from its task and is yet to be read.
    pub(crate) const fn unread() -> Self {
        Self { bytes: None, range: 0..0 }
    }

    pub(crate) const fn is_unread(&self) -> bool {
        self.bytes.is_none()
    }
}

impl Deref for Payload {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        self.bytes.as_ref().and_then(|bytes| bytes.get(self.range.clone())).unwrap_or_default()
    }
}

impl fmt::Debug for Payload {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        (**self).fmt(f)
    }
}

impl PartialEq for Payload {
    fn eq(&self, other: &Self) -> bool {
        **self == **other
    }
}

impl Eq for Payload {}

/// One claimed task. This lease alone may complete, fail, extend or release it, until it has expired and a claim
/// has taken the task back.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Lease {
    pub(crate) key: LeaseKey,
    pub(crate) task_type: Arc<str>,
    pub(crate) payload: Payload,
    pub(crate) priority: i32,
    /// Where the task stands in its queue's order: lower keys first, then older tasks.
    pub(crate) order_key: i64,
    pub(crate) attempt: u32,
    pub(crate) max_attempts: u32,
    pub(crate) enqueued_at: Timestamp,
    pub(crate) expires_at: Moment,
    pub(crate) suspect: bool,
}

impl Lease {
    /// The task's id.
    #[must_use]
    pub const fn id(&self) -> TaskId {
        self.key.id
    }

    /// The fencing token: rises with every claim of the task.
    #[must_use]
    pub const fn token(&self) -> i64 {
        self.key.token
    }

    /// The task's type.
    #[must_use]
    pub fn task_type(&self) -> &str {
        &self.task_type
    }

    /// The bytes it was enqueued with.
    #[must_use]
    pub fn payload(&self) -> &[u8] {
        &self.payload
    }

    /// The task's priority.
    #[must_use]
    pub const fn priority(&self) -> i32 {
        self.priority
    }

    /// Which attempt this is, from 1.
    #[must_use]
    pub const fn attempt(&self) -> u32 {
        self.attempt
    }

    /// Whether the task's last attempt ended with its lease, and none in good order since: perhaps it killed
    /// its process then.
    pub(crate) const fn is_suspect(&self) -> bool {
        self.suspect
    }

    /// The task's place in its queue's order.
    pub(crate) const fn place(&self) -> (i64, i64) {
        (self.order_key, self.key.id.as_i64())
    }

    /// The same lease, without the bytes.
    pub(crate) fn without_payload(&self) -> Self {
        Self {
            key: self.key,
            task_type: self.task_type.clone(),
            payload: Payload::unread(),
            priority: self.priority,
            order_key: self.order_key,
            attempt: self.attempt,
            max_attempts: self.max_attempts,
            enqueued_at: self.enqueued_at,
            expires_at: self.expires_at,
            suspect: self.suspect,
        }
    }

    /// How many attempts the task is given.
    #[must_use]
    pub const fn max_attempts(&self) -> u32 {
        self.max_attempts
    }

    /// When the task was enqueued.
    #[must_use]
    pub const fn enqueued_at(&self) -> Timestamp {
        self.enqueued_at
    }

    /// From when on the next claim takes the task back; by the wall clock as it stood when the lease was given.
    #[must_use]
    pub const fn expires_at(&self) -> Timestamp {
        self.expires_at.wall
    }
}
