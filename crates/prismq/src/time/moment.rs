//! One moment by both times of a clock.

use std::time::Duration;

use super::{Clock, Timestamp};

const SECOND: i64 = 1_000_000;

/// One moment by both times of a clock.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Moment {
    /// By the wall clock: for people.
    pub(crate) wall: Timestamp,
    /// By the monotonic time: to be compared with due times and leases.
    pub(crate) monotonic: Timestamp,
}

impl Moment {
    /// The present.
    pub(crate) fn now(clock: &dyn Clock) -> Self {
        Self { wall: clock.now(), monotonic: clock.monotonic() }
    }

    /// The moment that lies so far ahead of this one, the present.
    pub(crate) fn after(self, duration: Duration) -> Self {
        let monotonic = self.monotonic.after(duration);
        Self { wall: self.shown(monotonic), monotonic }
    }

    /// This moment with its monotonic time moved by so many microseconds.
    pub(crate) const fn moved(self, micros: i64) -> Self {
        Self { monotonic: Timestamp(self.monotonic.0.saturating_add(micros)), ..self }
    }

    /// A monotonic time as the wall clock has it by its present setting.
    pub(crate) fn shown(self, monotonic: Timestamp) -> Timestamp {
        Timestamp(monotonic.0.saturating_add(self.wall_set_by()))
    }

    /// By how many microseconds the wall clock was set forward, as this moment shows.
    ///
    /// It counts as set by whole seconds only, so that a time that is shown twice is shown the same, though both
    /// clocks are not read at one instant.
    pub(crate) fn wall_set_by(self) -> i64 {
        let apart = self.wall.0.saturating_sub(self.monotonic.0);
        apart.saturating_add(SECOND / 2).div_euclid(SECOND).saturating_mul(SECOND)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(wall: i64, monotonic: i64, time: i64) -> i64 {
        let now = Moment { wall: Timestamp(wall), monotonic: Timestamp(monotonic) };
        now.shown(Timestamp(time)).0
    }

    #[test]
    fn a_time_is_shown_as_the_wall_clock_has_it_now() {
        assert_eq!(shown(50 * SECOND, 50 * SECOND, 7), 7);
        assert_eq!(shown(90 * SECOND, 50 * SECOND, 7), 7 + 40 * SECOND);
        assert_eq!(shown(10 * SECOND, 50 * SECOND, 7), 7 - 40 * SECOND);
    }

    #[test]
    fn a_time_is_shown_the_same_twice() {
        for late in [0, 1, 400, 300_000] {
            assert_eq!(shown(50 * SECOND, 50 * SECOND + late, 7), 7);
            assert_eq!(shown(50 * SECOND + late, 90 * SECOND, 7), 7 - 40 * SECOND);
        }
    }

    #[test]
    fn no_time_overflows() {
        for (wall, monotonic) in [(i64::MAX, i64::MIN), (i64::MIN, i64::MAX)] {
            shown(wall, monotonic, i64::MAX);
            shown(wall, monotonic, i64::MIN);
        }
    }
}
