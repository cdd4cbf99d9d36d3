//! A failed attempt at a task, as it is kept with the task.

use crate::time::Timestamp;

/// A failed attempt at a task. The last [`ATTEMPTS_KEPT_MAX`](crate::limits::ATTEMPTS_KEPT_MAX) of a task are kept
/// with it, until it is deleted.
///
/// # Examples
/// ```
/// use prismq::{Claim, NewTask, Queue, TaskError};
///
/// # fn main() -> Result<(), prismq::Error> {
/// # let folder = tempfile::tempdir().unwrap();
/// # let queue = Queue::open(folder.path().join("queue.db"))?;
/// let mail = queue.enqueue(NewTask::new("mail", *b"ann"))?;
/// let lease = queue.claim(&Claim::new(["mail"]))?.remove(0);
/// queue.fail(&lease, TaskError::new("connection refused"))?;
///
/// let task = mail.info()?.unwrap();
/// assert_eq!(task.attempts[0].error, "connection refused");
/// assert_eq!(task.attempts[0].process, Some(std::process::id()));
/// # Ok(())
/// # }
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Attempt {
    /// Which attempt it was, from 1.
    pub attempt: u32,
    /// When its handler began, or, without a pool, when the task was claimed; `None` if its lease expired.
    pub began_at: Option<Timestamp>,
    /// When its failure was recorded.
    pub ended_at: Timestamp,
    /// The id of the process that recorded it; `None` if its lease expired.
    pub process: Option<u32>,
    /// Which worker of a pool ran it, from 0; `None` if none did, or if its lease expired.
    pub worker: Option<usize>,
    /// Why it failed, up to [`ATTEMPT_ERROR_BYTES_MAX`](crate::limits::ATTEMPT_ERROR_BYTES_MAX).
    pub error: String,
    /// The Rust type of the error, as its path; `None` if it was a text, or if the lease expired.
    pub error_type: Option<String>,
}

/// A failed attempt to be recorded.
#[derive(Debug, Clone)]
pub(crate) struct Failure {
    /// Why it failed.
    pub(crate) error: String,
    /// The Rust type of the error, unless it was a text.
    pub(crate) error_type: Option<&'static str>,
    /// When it began.
    pub(crate) began_at: Timestamp,
    /// Which worker of a pool ran it.
    pub(crate) worker: Option<usize>,
}
