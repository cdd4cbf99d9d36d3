//! Time that stands still until a test moves it.

use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use prismq_bench::base::clock::Clock;

/// A clock for one thread that plays all parts: it is set to the time of whichever part is played, also
/// back again.
#[derive(Debug)]
pub(crate) struct VirtualClock {
    now: Mutex<Instant>,
}

impl VirtualClock {
    pub(crate) fn new() -> Self {
        Self { now: Mutex::new(Instant::now()) }
    }

    pub(crate) fn set(&self, now: Instant) {
        *self.now.lock().unwrap_or_else(PoisonError::into_inner) = now;
    }

    pub(crate) fn advance(&self, by: Duration) {
        self.set(self.now() + by);
    }
}

impl Clock for VirtualClock {
    fn now(&self) -> Instant {
        *self.now.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn wait_until(&self, at: Instant) {
        self.set(at.max(self.now()));
    }
}
