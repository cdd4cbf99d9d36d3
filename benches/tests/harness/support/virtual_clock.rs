//! Time that stands still until a test moves it.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use prismq_bench::base::clock::{Clock, Time, now};

/// A clock for one thread that plays all parts: it is set to the time of whichever part is played, also
/// back again.
#[derive(Debug)]
pub(crate) struct VirtualClock {
    ns: AtomicU64,
}

impl VirtualClock {
    pub(crate) fn new() -> Self {
        Self { ns: AtomicU64::new(now().as_ns()) }
    }

    pub(crate) fn set(&self, now: Time) {
        self.ns.store(now.as_ns(), Ordering::SeqCst);
    }

    pub(crate) fn advance(&self, by: Duration) {
        self.set(self.now() + by);
    }
}

impl Clock for VirtualClock {
    fn now(&self) -> Time {
        Time::from_ns(self.ns.load(Ordering::SeqCst))
    }

    fn wait_until(&self, at: Time) {
        self.set(at.max(self.now()));
    }

    fn sleep(&self, time: Duration) {
        self.advance(time);
    }
}
