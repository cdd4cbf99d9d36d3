//! Waking threads without polling: a counter that only rises (an eventcount).
//!
//! A thread reads the counter, looks for work, and sleeps only if the counter has not changed since, so that a signal
//! raised in between is never missed.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

/// A wake-up that cannot be missed, and costs no system call while no thread waits.
#[derive(Debug, Default)]
pub struct Signal {
    raised: AtomicU64,
    waiting: Mutex<usize>,
    changed: Condvar,
}

impl Signal {
    /// The count of signals so far, to be passed to [`Signal::wait`].
    pub fn count(&self) -> u64 {
        self.raised.load(Ordering::SeqCst)
    }

    /// Wakes all waiting threads.
    pub fn raise(&self) {
        // Before the lock: a thread that holds it now and does not sleep yet sees the new count.
        self.raised.fetch_add(1, Ordering::SeqCst);
        if *self.waiting() > 0 {
            self.changed.notify_all();
        }
    }

    /// Sleeps until a signal after `seen` is raised or the time is up; returns the new count.
    pub fn wait(&self, seen: u64, timeout: Option<Duration>) -> u64 {
        let mut waiting = self.waiting();
        *waiting += 1;
        let unchanged = |_: &mut usize| self.count() == seen;
        let mut waiting = match timeout {
            None => {
                self.changed.wait_while(waiting, unchanged).unwrap_or_else(PoisonError::into_inner)
            }
            Some(timeout) => {
                self.changed
                    .wait_timeout_while(waiting, timeout, unchanged)
                    .unwrap_or_else(PoisonError::into_inner)
                    .0
            }
        };
        *waiting -= 1;
        self.count()
    }

    fn waiting(&self) -> MutexGuard<'_, usize> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
