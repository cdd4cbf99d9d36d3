//! How many tasks the workloads of a round have.

use std::time::Duration;

use super::{DRAIN, ENQUEUE_MANY, ENQUEUE_ONE, PIPELINE};
use crate::run::versus::workloads::Reading;

const FEWEST: u64 = 50;
/// How many times as long as the other workloads the drain may take.
const DRAIN_TIME_FACTOR: f64 = 8.0;
const MOST: u64 = 200_000;
/// How many seconds a step of the search for the highest rate takes at most, to have more tasks.
const STEP_LONGEST: f64 = 5.0;
/// Most tasks of such a step.
pub(super) const STEP_MOST: u64 = 50_000;

/// How many tasks each closed workload has, and how long an open one lasts.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Sizes {
    pub(super) one: u64,
    pub(super) many: u64,
    pub(super) pipeline: u64,
    pub(super) seconds: f64,
}

impl Sizes {
    /// Of the round whose figures decide the others'.
    pub const FIRST: Self = Self { one: 50, many: 400, pipeline: 400, seconds: 0.2 };

    /// Sizes for which each workload takes about `seconds` at the rates of these readings. A queue that is filled much faster than it is
    /// drained is filled with what is drained in a few times as long.
    pub(in crate::run::versus) fn lasting(seconds: f64, readings: &[Reading]) -> Self {
        let tasks = |workload: &str, seconds: f64| {
            let rate =
                readings.iter().find(|reading| reading.is_rate && reading.workload == workload);
            let tasks = rate.map_or(0.0, |rate| rate.value * seconds);
            Duration::try_from_secs_f64(tasks)
                .map_or(MOST, |tasks| tasks.as_secs())
                .clamp(FEWEST, MOST)
        };
        let drained = tasks(DRAIN, seconds * DRAIN_TIME_FACTOR);
        let [one, many] = [ENQUEUE_ONE, ENQUEUE_MANY]
            .map(|workload| tasks(workload, seconds).min((drained / 2).max(FEWEST)));
        Self { one, many, pipeline: tasks(PIPELINE, seconds), seconds }
    }

    pub(super) fn open(&self, per_s: u32) -> u64 {
        let tasks = Duration::from_secs(per_s.into()).mul_f64(self.seconds.max(0.0)).as_secs();
        tasks.clamp(FEWEST, MOST)
    }

    /// Tasks of a step of the search for the highest rate: of a second at least, as a rate that is a tenth too high makes the
    /// last task of a second 100 ms late.
    pub(super) fn step(&self, per_s: f64) -> u64 {
        let tasks = |seconds: f64| {
            let tasks = Duration::try_from_secs_f64(per_s * seconds);
            tasks.map_or(STEP_MOST, |tasks| tasks.as_secs()).clamp(1, STEP_MOST)
        };
        tasks(self.seconds.max(1.0)).max(FEWEST.min(tasks(STEP_LONGEST)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_step_lasts_a_second_or_longer_for_a_slow_queue() {
        let sizes = Sizes { seconds: 0.5, ..Sizes::FIRST };
        assert_eq!(
            [1e9, 300.0, 20.0, 2.0, 0.01].map(|per_s| sizes.step(per_s)),
            [STEP_MOST, 300, 50, 10, 1]
        );
        assert_eq!(Sizes { seconds: 3.0, ..sizes }.step(300.0), 900);
    }

    #[test]
    fn sizes_are_what_is_done_in_so_long_and_no_more_than_is_drained_in_a_few_times_as_long() {
        let rate = Reading::rate;
        let readings = |drained| {
            [
                rate(ENQUEUE_ONE, 1_000.0),
                rate(ENQUEUE_MANY, 20_000.0),
                rate(DRAIN, drained),
                rate(PIPELINE, 3_000.0),
            ]
        };
        let sizes = |one, many| Sizes { one, many, pipeline: 6_000, seconds: 2.0 };
        assert_eq!(Sizes::lasting(2.0, &readings(30_000.0)), sizes(2_000, 40_000));
        assert_eq!(Sizes::lasting(2.0, &readings(500.0)), sizes(2_000, 4_000));
        assert_eq!(Sizes::lasting(2.0, &readings(50.0)), sizes(400, 400));
    }
}
