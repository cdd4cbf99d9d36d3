//! Clocks beside [`std::time::Instant`]: one that processes share, and the processor time of this one.

use std::time::Duration;

use rustix::time::{ClockId, clock_gettime};

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

fn read(clock: ClockId) -> Duration {
    Duration::try_from(clock_gettime(clock)).unwrap_or_default()
}
