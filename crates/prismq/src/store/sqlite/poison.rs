//! Why nothing must be written or read any more: it is unknown what of the file lasts.

use std::sync::{Arc, OnceLock};

use crate::error::{Error, Result};
use crate::signal::Signal;

/// The first failure that leaves unknown what lasts, shared by all connections of a queue.
#[derive(Debug)]
pub(super) struct Poison {
    cause: OnceLock<String>,
    /// Wakes the thread that checkpoints, which then ends.
    wake: Arc<Signal>,
}

impl Poison {
    pub(super) const fn new(wake: Arc<Signal>) -> Self {
        Self { cause: OnceLock::new(), wake }
    }

    /// Keeps the cause; where there is one already, that stays.
    pub(super) fn set(&self, cause: &str) {
        self.cause.get_or_init(|| cause.to_owned());
        self.wake.raise();
    }

    pub(super) fn is_set(&self) -> bool {
        self.cause.get().is_some()
    }

    /// # Errors
    /// [`Error::Poisoned`] once there is a cause.
    pub(super) fn refuse(&self) -> Result<()> {
        match self.cause.get() {
            Some(cause) => Err(Error::Poisoned { cause: cause.clone() }),
            None => Ok(()),
        }
    }

    /// Keeps the cause of an error after which nothing more may be done, and passes the error on.
    pub(super) fn remember(&self, error: Error) -> Error {
        if let Error::Poisoned { cause } = &error {
            self.set(cause);
        }
        error
    }
}
