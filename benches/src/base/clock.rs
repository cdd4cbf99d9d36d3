//! What the harness tells time by: one monotonic clock for all that is measured, the same clock as
//! other processes see it, and the processor time of this one.

use std::fmt::Debug;
use std::num::NonZeroU64;
use std::thread;
use std::time::{Duration, Instant};

use rustix::thread::set_current_timer_slack;
use rustix::time::{ClockId, clock_gettime};

/// The monotonic clock of a workload. Every time of a round is read from the same one; a test of the
/// harness puts one here whose time it makes itself.
pub trait Clock: Debug + Send + Sync {
    /// Now.
    fn now(&self) -> Instant;

    /// Waits until then; returns at once if that is past.
    fn wait_until(&self, at: Instant);
}

/// The system's.
#[derive(Debug, Clone, Copy, Default)]
pub struct SystemClock;

impl Clock for SystemClock {
    fn now(&self) -> Instant {
        Instant::now()
    }

    fn wait_until(&self, at: Instant) {
        // The system may wake a sleeper too early only in that its time is cut to whole nanoseconds.
        loop {
            let left = at.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return;
            }
            thread::sleep(left);
        }
    }
}

/// Lets this thread's sleeps end when they should: the kernel otherwise gathers wake-ups of 50
/// microseconds into one. A system that refuses wakes it later, which the schedule lag then tells.
pub fn sleep_precisely() {
    let _ = set_current_timer_slack(Some(NonZeroU64::MIN));
}

/// Time since the machine started, the same for all its processes.
#[must_use]
pub fn monotonic() -> Duration {
    read(ClockId::Monotonic)
}

/// Processor time all threads of this process have used.
#[must_use]
pub fn processor_time() -> Duration {
    read(ClockId::ProcessCPUTime)
}

/// Processor time this thread has used.
#[must_use]
pub fn thread_time() -> Duration {
    read(ClockId::ThreadCPUTime)
}

fn read(clock: ClockId) -> Duration {
    Duration::try_from(clock_gettime(clock)).unwrap_or_default()
}
