//! The clock of all stamps: `CLOCK_MONOTONIC`, in nanoseconds, the same for all processes of a machine.

use std::thread;
use std::time::Duration;

use rustix::time::{ClockId, clock_gettime};

/// Now, in nanoseconds.
#[must_use]
pub fn now() -> u64 {
    let time = Duration::try_from(clock_gettime(ClockId::Monotonic)).unwrap_or_default();
    u64::try_from(time.as_nanos()).unwrap_or(u64::MAX)
}

/// Waits until then, and never less; returns at once if that is past.
pub fn wait_until(at_ns: u64) {
    loop {
        let left = at_ns.saturating_sub(now());
        if left == 0 {
            return;
        }
        thread::sleep(Duration::from_nanos(left));
    }
}
