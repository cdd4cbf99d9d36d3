//! How long handlers are expected to take, by task type.
//!
//! The expectation is a moving average; a handler that has run for longer than its type's average is expected
//! to run for as long again. Without the second rule, a pool whose tasks turn from quick to slow would expect
//! quick ones until the first has ended: two workers once held 362 slow tasks for 19 s.

use std::time::Duration;

/// Weight of the newest handler, about one of the last 20; a plain mean until this many have ended. A larger
/// weight would let one slow outlier dominate.
const WEIGHT: f64 = 0.05;

/// The averages.
#[derive(Debug)]
pub(crate) struct HandlerTimes {
    by_type: Vec<Average>,
    all: Average,
}

/// A moving average in seconds.
#[derive(Debug, Clone, Copy, Default)]
struct Average {
    seconds: f64,
    ended: u32,
}

impl HandlerTimes {
    pub(crate) fn new(types: usize) -> Self {
        Self { by_type: vec![Average::default(); types], all: Average::default() }
    }

    /// A handler of this type returned after `took`.
    pub(crate) fn ended(&mut self, type_index: usize, took: Duration) {
        self.all.ended(took);
        if let Some(average) = self.by_type.get_mut(type_index) {
            average.ended(took);
        }
    }

    /// The average over all types.
    pub(crate) fn mean(&self) -> Option<Duration> {
        self.all.get()
    }

    /// The average of a type.
    pub(crate) fn mean_of(&self, type_index: usize) -> Option<Duration> {
        self.by_type.get(type_index)?.get()
    }

    /// How much longer a handler is expected to run that began `age` ago; `None` if its type has not run yet.
    pub(crate) fn remaining(&self, type_index: usize, age: Duration) -> Option<Duration> {
        let mean = self.mean_of(type_index)?;
        Some(mean.checked_sub(age).unwrap_or(age))
    }
}

impl Average {
    fn ended(&mut self, took: Duration) {
        self.ended = self.ended.saturating_add(1);
        let weight = WEIGHT.max(1.0 / f64::from(self.ended));
        self.seconds += weight * (took.as_secs_f64() - self.seconds);
    }

    /// `None` until a handler has ended; never zero, as it is divided by.
    fn get(&self) -> Option<Duration> {
        let mean = || Duration::from_secs_f64(self.seconds).max(Duration::from_nanos(1));
        (self.ended > 0).then(mean)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MS: Duration = Duration::from_millis(1);

    #[test]
    fn nothing_is_known_before_a_handler_has_ended() {
        let mut times = HandlerTimes::new(2);
        times.ended(0, MS);
        assert_eq!(times.mean(), Some(MS));
        assert_eq!(times.mean_of(1), None);
        assert_eq!(times.remaining(1, Duration::ZERO), None);
    }

    #[test]
    fn a_handler_beyond_its_average_is_expected_to_run_as_long_again() {
        let mut times = HandlerTimes::new(1);
        times.ended(0, 4 * MS);
        assert_eq!(times.remaining(0, MS), Some(3 * MS));
        assert_eq!(times.remaining(0, 50 * MS), Some(50 * MS));
    }

    #[test]
    fn one_slow_handler_among_many_is_not_the_rule() {
        let mut times = HandlerTimes::new(1);
        (0..100).for_each(|_| times.ended(0, MS));
        times.ended(0, 101 * MS);
        assert_eq!(times.mean().map(|mean| mean.as_millis()), Some(6));
    }

    #[test]
    fn types_are_known_apart() {
        let mut times = HandlerTimes::new(2);
        times.ended(0, MS);
        times.ended(1, 101 * MS);
        assert_eq!(times.mean_of(0), Some(MS));
        assert_eq!(times.mean_of(1), Some(101 * MS));
        assert_eq!(times.mean(), Some(51 * MS));
    }
}
