//! Tasks that come back to their caller.

use std::fmt;
use std::ops::Deref;
use std::sync::Arc;

use crate::model::NewTask;

/// The tasks of a call that was refused as a whole, in their order: [`Error::QueueFull`](crate::Error::QueueFull).
///
/// # Examples
/// ```
/// # fn main() -> Result<(), prismq::Error> {
/// # let folder = tempfile::tempdir().unwrap();
/// # let queue = prismq::Queue::open(folder.path().join("queue.db"))?;
/// use prismq::{Error, NewTask};
///
/// queue.set_depth_limit("default", 1)?;
/// queue.enqueue(NewTask::new("mail", *b"first"))?;
/// if let Err(Error::QueueFull { tasks, .. }) = queue.enqueue(NewTask::new("mail", *b"second")) {
///     queue.enqueue_all(tasks.iter().cloned().map(|task| task.queue("overflow")))?;
/// }
/// assert_eq!(queue.stats("overflow")?.ready, 1);
/// # Ok(())
/// # }
/// ```
#[derive(Clone, PartialEq, Eq)]
pub struct RefusedTasks(Arc<[NewTask]>);

impl RefusedTasks {
    pub(crate) fn new(tasks: &[NewTask]) -> Self {
        Self(tasks.iter().map(|task| task.clone().without_digest()).collect())
    }
}

impl Deref for RefusedTasks {
    type Target = [NewTask];

    fn deref(&self) -> &[NewTask] {
        &self.0
    }
}

impl fmt::Debug for RefusedTasks {
    /// How many they are: an error that is logged must not bring their payloads with it.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "RefusedTasks({})", self.0.len())
    }
}
