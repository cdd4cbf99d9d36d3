//! The handle everyone holds: validates what is asked, turns it into operations, and unwraps the
//! answers. How operations share transactions is [`crate::commit`]'s business, what they do to the
//! file is the engine's.

mod admin;
mod builder;
mod claims;
mod enqueue;
mod inspect;

use std::path::Path;

pub use self::builder::QueueBuilder;
use crate::core::Core;
use crate::model::Result;

/// A durable task queue in one file. Cheap to clone; all clones and all threads share it.
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

    /// What pools share with this handle.
    pub(crate) const fn core(&self) -> &Core {
        &self.core
    }
}

#[cfg(test)]
mod tests;
