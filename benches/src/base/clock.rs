//! The clock of everything that is measured: monotonic, in nanoseconds, the same for all processes of a
//! machine; and processor times.

use std::fmt::Debug;
use std::num::NonZeroU64;
use std::ops::Add;
use std::thread;
use std::time::Duration;

use rustix::thread::set_current_timer_slack;
use rustix::time::{ClockId, clock_gettime};
use serde::{Deserialize, Serialize};

/// A moment of the monotonic clock, in nanoseconds since an epoch that all processes of a machine share.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize,
)]
#[serde(transparent)]
pub struct Time(u64);

impl Time {
    /// The moment this many nanoseconds after the epoch.
    #[must_use]
    pub const fn from_ns(ns: u64) -> Self {
        Self(ns)
    }

    /// Nanoseconds since the epoch.
    #[must_use]
    pub const fn as_ns(self) -> u64 {
        self.0
    }

    /// The time since an earlier moment; zero if that was later.
    #[must_use]
    pub const fn since(self, earlier: Self) -> Duration {
        Duration::from_nanos(self.0.saturating_sub(earlier.0))
    }
}

impl Add<Duration> for Time {
    type Output = Self;

    fn add(self, time: Duration) -> Self {
        let ns = u64::try_from(time.as_nanos()).unwrap_or(u64::MAX);
        Self(self.0.saturating_add(ns))
    }
}

/// The clock that a load is generated and measured by. A test of the harness puts one here whose time it moves
/// itself.
pub trait Clock: Debug + Send + Sync {
    /// Now.
    fn now(&self) -> Time;

    /// Waits until then; returns at once if that is past.
    fn wait_until(&self, at: Time);

    /// Lets a handler sleep.
    fn sleep(&self, time: Duration);
}

/// The system's.
#[derive(Debug, Clone, Copy, Default)]
pub struct SystemClock;

impl Clock for SystemClock {
    fn now(&self) -> Time {
        now()
    }

    fn wait_until(&self, at: Time) {
        // The system may wake a sleeper too early only in that its time is cut to whole nanoseconds.
        loop {
            let left = at.since(now());
            if left.is_zero() {
                return;
            }
            thread::sleep(left);
        }
    }

    fn sleep(&self, time: Duration) {
        thread::sleep(time);
    }
}

/// Now, by the system's clock.
#[must_use]
pub fn now() -> Time {
    Time(0) + read(ClockId::Monotonic)
}

/// Lets this thread's sleeps end when they should: the kernel otherwise gathers wake-ups of 50
/// microseconds into one. A system that refuses wakes it later, which the generator's lag then shows.
pub fn sleep_precisely() {
    let _ = set_current_timer_slack(Some(NonZeroU64::MIN));
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
