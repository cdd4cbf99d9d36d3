//! How long handlers take, by task type, as far as it is known now.
//!
//! Ended handlers give a moving average; a handler that has run for longer than its type's average is
//! expected to run for as long again. Without the second rule, a pool that ran quick tasks before would
//! take a slow one for quick until it ended: two workers once held 362 slow tasks for 19 s.

use std::time::Duration;

/// The weight of the handler that ended last.
const WEIGHT: f64 = 0.1;

/// Moving averages in seconds; `None` until a handler of the type has ended.
#[derive(Debug)]
pub(super) struct HandlerTimes {
    by_type: Vec<Option<f64>>,
    all: Option<f64>,
}

impl HandlerTimes {
    pub(super) fn new(types: usize) -> Self {
        Self { by_type: vec![None; types], all: None }
    }

    /// A handler of this type took so long.
    pub(super) fn ended(&mut self, task_type: usize, took: Duration) {
        let took = took.as_secs_f64();
        let average =
            |known: Option<f64>| Some(known.map_or(took, |mean| mean + WEIGHT * (took - mean)));
        self.all = average(self.all);
        if let Some(mean) = self.by_type.get_mut(task_type) {
            *mean = average(*mean);
        }
    }

    /// The average over all types.
    pub(super) fn mean(&self) -> Option<Duration> {
        self.all.map(duration)
    }

    /// The average of a type.
    pub(super) fn mean_of(&self, task_type: usize) -> Option<Duration> {
        self.by_type.get(task_type).copied().flatten().map(duration)
    }

    /// How much longer a handler is expected to run that has run for `age`.
    pub(super) fn remaining(&self, task_type: usize, age: Duration) -> Option<Duration> {
        let mean = self.mean_of(task_type)?;
        Some(mean.checked_sub(age).unwrap_or(age))
    }
}

/// Never zero, as it is divided by.
fn duration(seconds: f64) -> Duration {
    Duration::from_secs_f64(seconds).max(Duration::from_nanos(1))
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
    fn types_are_known_apart() {
        let mut times = HandlerTimes::new(2);
        times.ended(0, MS);
        times.ended(1, 101 * MS);
        assert_eq!(times.mean_of(0), Some(MS));
        assert_eq!(times.mean_of(1), Some(101 * MS));
        assert_eq!(times.mean(), Some(11 * MS));
    }
}
