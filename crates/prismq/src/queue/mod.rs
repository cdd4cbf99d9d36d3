//! The public handle: validates arguments, turns calls into operations and unwraps the answers. Sharing transactions
//! is left to [`crate::commit`], storage to the engine.

mod admin;
mod asynchronous;
mod builder;
mod claims;
mod enqueue;
mod handle;
mod inspect;
mod tasks;

use std::path::Path;

pub use self::admin::{Restore, Schedules};
pub use self::asynchronous::Submission;
pub use self::builder::QueueBuilder;
pub(crate) use self::enqueue::untyped;
pub use self::handle::Handle;
pub use self::tasks::{CancelCount, CancelOutcome, Redrive, Tasks};
use crate::core::Core;
use crate::model::Result;

/// A durable task queue in one file. Cheap to clone; all clones and all threads share it.
///
/// # Examples
/// ```
/// use prismq::{Claim, NewTask, Queue};
///
/// # fn main() -> Result<(), prismq::Error> {
/// # let folder = tempfile::tempdir().unwrap();
/// # let path = folder.path().join("queue.db");
/// let queue = Queue::open(path)?;
/// queue.enqueue(NewTask::new("mail", *b"hello"))?; // durable when it returns
///
/// for lease in queue.claim(&Claim::new(["mail"]).max(10))? {
///     println!("attempt {} of {:?}", lease.attempt(), lease.payload());
///     queue.complete(&lease)?;
/// }
/// # Ok(())
/// # }
/// ```
#[derive(Debug, Clone)]
pub struct Queue {
    core: Core,
}

impl Queue {
    /// Opens or creates the queue in this file, with full durability.
    ///
    /// # Errors
    /// See [`QueueBuilder::open`].
    pub fn open(path: impl AsRef<Path>) -> Result<Self> {
        Self::builder(path).open()
    }

    /// Opens a queue with other settings.
    pub fn builder(path: impl AsRef<Path>) -> QueueBuilder {
        QueueBuilder::new(path.as_ref().to_owned())
    }

    /// A handle on an open queue.
    pub(crate) const fn new(core: Core) -> Self {
        Self { core }
    }

    /// What this handle shares with pools.
    pub(crate) const fn core(&self) -> &Core {
        &self.core
    }
}

#[cfg(test)]
mod tests;
