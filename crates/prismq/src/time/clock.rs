//! What a clock is, and that of the machine.

use std::sync::Arc;
use std::time::{Duration, SystemTime};

use super::boot;
use super::{Signal, Timestamp};

/// A source of time.
pub trait Clock: Send + Sync + std::fmt::Debug {
    /// The time of the wall clock, which may be set forward and back.
    fn now(&self) -> Timestamp;

    /// The time that delays, leases and ageing follow: it should pass evenly, never go back, and be the same
    /// for all processes that use the file. That of the wall clock unless a clock has a better one.
    ///
    /// A clock whose monotonic time starts over must name each start by [`Clock::boot_id`].
    fn monotonic(&self) -> Timestamp {
        self.now()
    }

    /// Names what [`Clock::monotonic`] counts from, if it starts over, as that of a machine does at each boot.
    /// The queue then notes in its file where the count stood when the file was first opened after the start, and
    /// goes on there by what has passed on the wall clock. `None` if it never starts over: it is used as it is.
    fn boot_id(&self) -> Option<String> {
        None
    }

    /// How long a thread should sleep until [`Clock::monotonic`] reaches `due`; `None` if only a signal can end
    /// its wait.
    fn sleep_until(&self, due: Timestamp) -> Option<Duration>;

    /// Asks for `signal` to be raised whenever time jumps, so that sleepers look again.
    fn on_jump(&self, signal: &Arc<Signal>);
}

/// The machine's clocks. On Linux the monotonic time is that since boot, time asleep included, which is the same
/// for all processes and which nobody sets; elsewhere, and where `/proc` does not name the boot, it is the wall
/// clock's.
#[derive(Debug, Clone, Copy, Default)]
pub struct SystemClock;

impl Clock for SystemClock {
    fn now(&self) -> Timestamp {
        SystemTime::now().into()
    }

    fn monotonic(&self) -> Timestamp {
        boot::elapsed().unwrap_or_else(|| self.now())
    }

    fn boot_id(&self) -> Option<String> {
        boot::id().map(str::to_owned)
    }

    fn sleep_until(&self, due: Timestamp) -> Option<Duration> {
        Some(due.since(self.monotonic()))
    }

    fn on_jump(&self, _signal: &Arc<Signal>) {}
}
