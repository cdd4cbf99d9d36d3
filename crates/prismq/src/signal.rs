//! Waking threads without polling: a counter that only rises, and those who wait for it to.
//!
//! A waiter reads the counter, looks for work, and sleeps only if the counter still stands where it
//! read it, so that a signal raised in between is never missed.

use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

/// A wake-up that cannot be missed.
#[derive(Debug, Default)]
pub struct Signal {
    raised: Mutex<u64>,
    changed: Condvar,
}

impl Signal {
    /// The count of signals so far, to be handed to [`Signal::wait`].
    pub fn count(&self) -> u64 {
        *self.lock()
    }

    /// Wakes everyone who waits.
    pub fn raise(&self) {
        *self.lock() += 1;
        self.changed.notify_all();
    }

    /// Sleeps until a signal after `seen` is raised or the time is up; returns the new count.
    pub fn wait(&self, seen: u64, timeout: Option<Duration>) -> u64 {
        let raised = self.lock();
        let waiting = |count: &mut u64| *count == seen;
        match timeout {
            None => {
                *self.changed.wait_while(raised, waiting).unwrap_or_else(PoisonError::into_inner)
            }
            Some(timeout) => {
                *self
                    .changed
                    .wait_timeout_while(raised, timeout, waiting)
                    .unwrap_or_else(PoisonError::into_inner)
                    .0
            }
        }
    }

    fn lock(&self) -> MutexGuard<'_, u64> {
        self.raised.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
