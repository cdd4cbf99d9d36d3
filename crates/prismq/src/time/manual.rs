//! A clock that a test moves.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::time::Duration;

use super::{Clock, Timestamp};
use crate::time::Signal;

/// A clock for tests, which stands still until it is moved: see [`Clock`] for an example.
///
/// [`ManualClock::advance`] and a forward [`ManualClock::set`] let both of its times pass; a `set` to an earlier
/// time sets back the wall clock alone, as the monotonic time of a machine does not go back.
#[derive(Debug, Default)]
pub struct ManualClock {
    times: Mutex<Times>,
    sleepers: Mutex<Vec<Weak<Signal>>>,
}

#[derive(Debug, Clone, Copy, Default)]
struct Times {
    wall: Timestamp,
    monotonic: Timestamp,
}

impl ManualClock {
    /// A clock whose two times are `start`.
    #[must_use]
    pub fn new(start: Timestamp) -> Self {
        let times = Times { wall: start, monotonic: start };
        Self { times: Mutex::new(times), sleepers: Mutex::default() }
    }

    /// Advances both times and wakes the threads that sleep by this clock.
    pub fn advance(&self, by: Duration) {
        self.move_to(|wall| wall.after(by));
    }

    /// Sets the wall clock, forward or back, and wakes the threads that sleep by this clock.
    pub fn set(&self, now: Timestamp) {
        self.move_to(|_| now);
    }

    fn move_to(&self, to: impl FnOnce(Timestamp) -> Timestamp) {
        let mut times = self.times();
        let now = to(times.wall);
        times.monotonic = times.monotonic.after(now.since(times.wall));
        times.wall = now;
        drop(times);
        let mut sleepers = self.sleepers();
        sleepers.retain(|sleeper| {
            sleeper.upgrade().is_some_and(|signal| {
                signal.raise();
                true
            })
        });
    }

    fn times(&self) -> MutexGuard<'_, Times> {
        self.times.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn sleepers(&self) -> MutexGuard<'_, Vec<Weak<Signal>>> {
        self.sleepers.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Clock for ManualClock {
    fn now(&self) -> Timestamp {
        self.times().wall
    }

    fn monotonic(&self) -> Timestamp {
        self.times().monotonic
    }

    fn sleep_until(&self, due: Timestamp) -> Option<Duration> {
        (due <= self.monotonic()).then_some(Duration::ZERO)
    }

    fn on_jump(&self, signal: &Arc<Signal>) {
        self.sleepers().push(Arc::downgrade(signal));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_clock_set_back_loses_no_time_that_passed() {
        let start = Timestamp::from_micros(1_000);
        let clock = ManualClock::new(start);
        clock.advance(Duration::from_micros(500));
        clock.set(start);
        assert_eq!((clock.now(), clock.monotonic().as_micros()), (start, 1_500));
        clock.set(start.after(Duration::from_micros(20)));
        assert_eq!((clock.now().as_micros(), clock.monotonic().as_micros()), (1_020, 1_520));
        assert_eq!(clock.sleep_until(Timestamp::from_micros(1_521)), None);
        assert_eq!(clock.sleep_until(Timestamp::from_micros(1_520)), Some(Duration::ZERO));
    }
}
