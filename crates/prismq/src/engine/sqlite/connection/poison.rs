//! The failure after which nothing is written or read any more: it is unknown what reached the disk.

use std::sync::{Arc, OnceLock};

use crate::model::{Error, Result};
use crate::time::Signal;

/// The first such failure, shared by all connections of a queue.
#[derive(Debug)]
pub(crate) struct Poison {
    cause: OnceLock<String>,
    /// Wakes the thread that checkpoints, which then ends.
    wake: Arc<Signal>,
}

impl Poison {
    pub(crate) const fn new(wake: Arc<Signal>) -> Self {
        Self { cause: OnceLock::new(), wake }
    }

    /// Keeps the cause, unless there is one already.
    pub(crate) fn set(&self, cause: &str) {
        self.cause.get_or_init(|| cause.to_owned());
        self.wake.raise();
    }

    pub(crate) fn is_set(&self) -> bool {
        self.cause.get().is_some()
    }

    /// # Errors
    /// [`Error::Poisoned`] once there is a cause.
    pub(crate) fn refuse(&self) -> Result<()> {
        match self.cause.get() {
            Some(cause) => Err(Error::Poisoned { cause: cause.clone() }),
            None => Ok(()),
        }
    }

    /// Keeps the cause of a [`Error::Poisoned`], and returns any error unchanged.
    pub(crate) fn remember(&self, error: Error) -> Error {
        if let Error::Poisoned { cause } = &error {
            self.set(cause);
        }
        error
    }
}
