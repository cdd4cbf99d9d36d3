//! The time since the machine's boot, and a clock that continues it after the next one.

use std::sync::Arc;
#[cfg(target_os = "linux")]
use std::sync::OnceLock;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use super::{Clock, Timestamp};
use crate::time::Signal;

/// How often both times are read to find their difference.
const READINGS: usize = 5;

/// The id of this boot; `None` where the system gives none.
#[cfg(target_os = "linux")]
pub(super) fn id() -> Option<&'static str> {
    static ID: OnceLock<Option<String>> = OnceLock::new();
    let read = || {
        let id = std::fs::read_to_string("/proc/sys/kernel/random/boot_id").ok()?;
        Some(id.trim().to_owned()).filter(|id| !id.is_empty())
    };
    ID.get_or_init(read).as_deref()
}

/// The time since boot, suspend included; `None` where the boot has no id.
#[cfg(target_os = "linux")]
pub(super) fn elapsed() -> Option<Timestamp> {
    use rustix::time::{ClockId, clock_gettime};
    id()?;
    let time = clock_gettime(ClockId::Boottime);
    Some(Timestamp(time.tv_sec.saturating_mul(1_000_000).saturating_add(time.tv_nsec / 1_000)))
}

#[cfg(not(target_os = "linux"))]
pub(super) const fn id() -> Option<&'static str> {
    None
}

#[cfg(not(target_os = "linux"))]
pub(super) const fn elapsed() -> Option<Timestamp> {
    None
}

/// How far the wall clock is ahead of the monotonic time, in microseconds.
pub(crate) fn offset(clock: &dyn Clock) -> i64 {
    let read = || {
        let before = clock.monotonic();
        let wall = clock.now();
        let gap = clock.monotonic().since(before);
        (gap, wall.0.saturating_sub(before.0))
    };
    // The readings closest together were interrupted least.
    let closest = std::iter::repeat_with(read).take(READINGS).min_by_key(|(gap, _)| *gap);
    closest.map_or(0, |(_, offset)| offset)
}

/// A clock whose monotonic time restarts at each boot, with an offset by which it continues in one file.
#[derive(Debug)]
pub(crate) struct OffsetClock {
    clock: Arc<dyn Clock>,
    /// In microseconds; changes when a backup is restored into the file.
    offset: Arc<AtomicI64>,
}

impl OffsetClock {
    /// The clock with the offset that `offset` holds at each reading.
    pub(crate) fn new(clock: Arc<dyn Clock>, offset: Arc<AtomicI64>) -> Self {
        Self { clock, offset }
    }

    fn offset(&self) -> i64 {
        self.offset.load(Ordering::Relaxed)
    }
}

impl Clock for OffsetClock {
    fn now(&self) -> Timestamp {
        self.clock.now()
    }

    fn monotonic(&self) -> Timestamp {
        Timestamp(self.clock.monotonic().0.saturating_add(self.offset()))
    }

    fn sleep_until(&self, due: Timestamp) -> Option<Duration> {
        self.clock.sleep_until(Timestamp(due.0.saturating_sub(self.offset())))
    }

    fn on_jump(&self, signal: &Arc<Signal>) {
        self.clock.on_jump(signal);
    }
}

#[cfg(test)]
mod tests {
    #[cfg(target_os = "linux")]
    #[test]
    fn the_machine_counts_from_its_boot() {
        use crate::time::{Clock as _, SystemClock, Timestamp};
        let clock = SystemClock;
        assert!(clock.boot_id().is_some(), "/proc names the boot");
        assert!(clock.monotonic() <= clock.monotonic());
        let boot = Timestamp::from_micros(super::offset(&clock));
        assert!(boot < clock.now(), "the boot was before now");
        assert_eq!(clock.sleep_until(clock.monotonic()), Some(std::time::Duration::ZERO));
    }
}
