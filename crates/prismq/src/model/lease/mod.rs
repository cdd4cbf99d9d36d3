//! Claims, and the lease of a claimed task: held for a time, under a fencing token.

mod claim;
mod payload;

use std::sync::Arc;

pub use self::claim::Claim;
pub(crate) use self::claim::{ClaimBounds, DEFAULT_LEASE, validate_lease};
pub use self::payload::Bytes;
pub(crate) use self::payload::Payload;
use crate::model::TaskId;
use crate::time::{Moment, Timestamp};

/// What fences one claim of one task: a later claim of the task has a higher token, and this key is then refused.
///
/// It is bound to the file or database that the task was claimed from, and opaque but for id and token.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) struct LeaseKey {
    pub(crate) id: TaskId,
    pub(crate) token: i64,
    /// Whether the task is under a limit or has a key, so that another may start once it is settled. What its queue
    /// lets run at once may be set while it runs, and is not noted here.
    pub(crate) limited: bool,
    /// What the engine needs to settle the task without a read.
    pub(crate) note: EngineNote,
}

/// What an engine stores in a lease for itself: which database it is of, and what never changes while the task
/// exists. Only the engine reads it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub(crate) struct EngineNote(pub(crate) [i64; 3]);

/// A lease: one claimed task. Only its holder can complete, fail, extend or release the task, until the lease has
/// expired and another claim has reclaimed the task.
///
/// # Examples
/// ```
/// use std::time::Duration;
/// use prismq::{Claim, Error, NewTask, Queue};
///
/// # fn main() -> Result<(), Error> {
/// # let folder = tempfile::tempdir().unwrap();
/// # let queue = Queue::open(folder.path().join("queue.db"))?;
/// queue.enqueue(NewTask::new("video", *b"raw"))?;
/// let lease = queue.claim(&Claim::new(["video"]))?.remove(0);
/// queue.extend(&lease, Duration::from_secs(600))?; // it takes longer than the lease
/// queue.complete(&lease)?;
/// assert!(matches!(queue.complete(&lease), Err(Error::LeaseLost { .. })));
/// # Ok(())
/// # }
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Lease {
    pub(crate) key: LeaseKey,
    pub(crate) queue: Arc<str>,
    pub(crate) task_type: Arc<str>,
    pub(crate) payload: Payload,
    pub(crate) priority: i32,
    /// The task's key in its queue's order: lower keys first, then lower ids.
    pub(crate) order_key: i64,
    pub(crate) attempt: u32,
    pub(crate) max_attempts: u32,
    pub(crate) enqueued_at: Timestamp,
    /// By the wall clock.
    pub(crate) claimed_at: Timestamp,
    pub(crate) expires_at: Moment,
    pub(crate) suspect: bool,
    pub(crate) scheduled_for: Option<Timestamp>,
    /// By when its task must start, by the monotonic time.
    pub(crate) start_by: Option<Timestamp>,
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

    /// The task's queue.
    #[must_use]
    pub fn queue(&self) -> &str {
        &self.queue
    }

    /// The task's type.
    #[must_use]
    pub fn task_type(&self) -> &str {
        &self.task_type
    }

    /// The task's payload.
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

    /// Whether the task's last lease expired with no attempt settled since: the task may have killed its process.
    pub(crate) const fn is_suspect(&self) -> bool {
        self.suspect
    }

    /// Whether its task must not start any more.
    pub(crate) fn is_late(&self, now: Timestamp) -> bool {
        self.start_by.is_some_and(|start_by| start_by <= now)
    }

    /// The task's place in its queue's order.
    pub(crate) const fn place(&self) -> (i64, i64) {
        (self.order_key, self.key.id.as_i64())
    }

    /// The same lease without its payload.
    pub(crate) fn without_payload(&self) -> Self {
        Self {
            key: self.key,
            queue: self.queue.clone(),
            task_type: self.task_type.clone(),
            payload: Payload::unread(),
            priority: self.priority,
            order_key: self.order_key,
            attempt: self.attempt,
            max_attempts: self.max_attempts,
            enqueued_at: self.enqueued_at,
            claimed_at: self.claimed_at,
            expires_at: self.expires_at,
            suspect: self.suspect,
            scheduled_for: self.scheduled_for,
            start_by: self.start_by,
        }
    }

    /// Most attempts of the task.
    #[must_use]
    pub const fn max_attempts(&self) -> u32 {
        self.max_attempts
    }

    /// When the task was enqueued.
    #[must_use]
    pub const fn enqueued_at(&self) -> Timestamp {
        self.enqueued_at
    }

    /// The time that a schedule enqueued the task for, by the wall clock; `None` for any other task. See
    /// [`Schedule`](crate::Schedule).
    #[must_use]
    pub const fn scheduled_for(&self) -> Option<Timestamp> {
        self.scheduled_for
    }

    /// When the lease expires: the next claim then reclaims the task. By the wall clock as it was set at the claim.
    #[must_use]
    pub const fn expires_at(&self) -> Timestamp {
        self.expires_at.wall
    }
}
