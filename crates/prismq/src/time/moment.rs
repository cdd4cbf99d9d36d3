//! One moment by both times of a clock.

use std::time::Duration;

use super::{Clock, Timestamp};

const SECOND: i64 = 1_000_000;

/// One moment by both times of a clock.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Moment {
    /// By the wall clock: to be displayed.
    pub(crate) wall: Timestamp,
    /// By the monotonic time: to be compared with due times and leases.
    pub(crate) monotonic: Timestamp,
}

impl Moment {
    /// The present.
    pub(crate) fn now(clock: &dyn Clock) -> Self {
        Self { wall: clock.now(), monotonic: clock.monotonic() }
    }

    /// The moment this long after this one, which must be the present.
    pub(crate) fn after(self, duration: Duration) -> Self {
        let monotonic = self.monotonic.after(duration);
        Self { wall: self.to_wall(monotonic), monotonic }
    }

    /// This moment with its monotonic time moved by a number of microseconds.
    pub(crate) const fn moved(self, micros: i64) -> Self {
        Self { monotonic: Timestamp(self.monotonic.0.saturating_add(micros)), ..self }
    }

    /// A monotonic time converted to the wall clock as it is set now.
    pub(crate) fn to_wall(self, monotonic: Timestamp) -> Timestamp {
        Timestamp(monotonic.0.saturating_add(self.wall_set_by()))
    }

    /// When the monotonic time will be at a time of the wall clock, unless that is set before.
    pub(crate) const fn to_monotonic(self, wall: Timestamp) -> Timestamp {
        Timestamp(self.monotonic.0.saturating_add(wall.0.saturating_sub(self.wall.0)))
    }

    /// By how many microseconds the wall clock is ahead of the monotonic time.
    ///
    /// Rounded to seconds, so that a time converted twice is the same, although the two clocks are not read at the
    /// same instant.
    pub(crate) fn wall_set_by(self) -> i64 {
        let ahead = self.wall.0.saturating_sub(self.monotonic.0);
        ahead.saturating_add(SECOND / 2).div_euclid(SECOND).saturating_mul(SECOND)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn converted(wall: i64, monotonic: i64, time: i64) -> i64 {
        let now = Moment { wall: Timestamp(wall), monotonic: Timestamp(monotonic) };
        now.to_wall(Timestamp(time)).0
    }

    #[test]
    fn a_time_is_converted_to_the_wall_clock_as_it_is_set_now() {
        assert_eq!(converted(50 * SECOND, 50 * SECOND, 7), 7);
        assert_eq!(converted(90 * SECOND, 50 * SECOND, 7), 7 + 40 * SECOND);
        assert_eq!(converted(10 * SECOND, 50 * SECOND, 7), 7 - 40 * SECOND);
    }

    #[test]
    fn a_time_is_converted_the_same_twice() {
        for late in [0, 1, 400, 300_000] {
            assert_eq!(converted(50 * SECOND, 50 * SECOND + late, 7), 7);
            assert_eq!(converted(50 * SECOND + late, 90 * SECOND, 7), 7 - 40 * SECOND);
        }
    }

    #[test]
    fn no_time_overflows() {
        for (wall, monotonic) in [(i64::MAX, i64::MIN), (i64::MIN, i64::MAX)] {
            converted(wall, monotonic, i64::MAX);
            converted(wall, monotonic, i64::MIN);
        }
    }
}
