//! What is read from the records of a workload.

use std::collections::HashMap;
use std::time::Duration;

use hdrhistogram::Histogram;
use prismq_driver::lane::{Kind, Record};

use crate::base::histogram::{add, empty};
use crate::base::number::{as_f64, ms};

/// What a round gave.
#[derive(Debug, Default)]
pub struct Figures {
    /// Its figures.
    pub readings: Vec<Reading>,
    /// Why they must not be used.
    pub faults: Vec<String>,
    /// Workloads without a figure, with the reason.
    pub missing: Vec<(&'static str, String)>,
}

/// A figure of a round.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Reading {
    /// What was done.
    pub workload: &'static str,
    /// The figure's name with its unit as suffix.
    pub metric: &'static str,
    /// Its unit.
    pub unit: &'static str,
    /// Whether more is better.
    pub is_rate: bool,
    /// Whether it depends on how the queue is set: it is then shown, but not ranked.
    pub depends_on_settings: bool,
    /// The figure.
    pub value: f64,
}

impl Reading {
    pub(super) const fn rate(workload: &'static str, value: f64) -> Self {
        Self {
            workload,
            metric: "tasks_per_s",
            unit: "tasks/s",
            is_rate: true,
            depends_on_settings: false,
            value,
        }
    }

    fn time(workload: &'static str, metric: &'static str, value: f64) -> Self {
        Self::cost(workload, metric, "ms", value)
    }

    /// What something takes: the less the better.
    pub(super) const fn cost(
        workload: &'static str,
        metric: &'static str,
        unit: &'static str,
        value: f64,
    ) -> Self {
        Self { workload, metric, unit, is_rate: false, depends_on_settings: false, value }
    }
}

/// Tasks a second between the first begin and the last end of these records; none without two of them.
pub(super) fn rate<'a>(
    workload: &'static str,
    tasks: u64,
    records: impl Iterator<Item = &'a Record>,
) -> Option<Reading> {
    let (mut first, mut last) = (u64::MAX, 0);
    for record in records {
        first = first.min(record.t1);
        last = last.max(record.t2);
    }
    let took = Duration::from_nanos(last.checked_sub(first).filter(|took| *took > 0)?);
    Some(Reading::rate(workload, as_f64(tasks) / took.as_secs_f64()))
}

/// Median and 99th percentile of times in nanoseconds.
pub(super) fn quantiles(
    workload: &'static str,
    [median, p99]: [&'static str; 2],
    times: impl Iterator<Item = u64>,
) -> Vec<Reading> {
    let Ok(mut histogram) = empty("times") else { return Vec::new() };
    times.for_each(|time| add(&mut histogram, Duration::from_nanos(time)));
    if histogram.is_empty() {
        return Vec::new();
    }
    let at = |histogram: &Histogram<u64>, share| ms(histogram.value_at_quantile(share));
    vec![
        Reading::time(workload, median, at(&histogram, 0.5)),
        Reading::time(workload, p99, at(&histogram, 0.99)),
    ]
}

/// How long tasks waited for something to be done, in nanoseconds.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Waits {
    /// Of the tasks for which it was done in time or late.
    pub(super) times: Vec<u64>,
    /// For how many it was done before it was due: an error of the queue, and not a wait of zero.
    pub(super) early: u64,
}

impl Waits {
    /// Of tasks with the time at which something was due, and at which it was done.
    pub(super) fn of(tasks: impl Iterator<Item = (u64, u64)>) -> Self {
        let mut waits = Self::default();
        for (due, done) in tasks {
            match done.checked_sub(due) {
                Some(time) => waits.times.push(time),
                None => waits.early += 1,
            }
        }
        waits
    }

    /// The time that so large a share of them did not exceed, in nanoseconds; `None` of nothing.
    pub(super) fn quantile(&self, share: f64) -> Option<u64> {
        let mut histogram = empty("times").ok()?;
        self.times.iter().for_each(|time| add(&mut histogram, Duration::from_nanos(*time)));
        (!histogram.is_empty()).then(|| histogram.value_at_quantile(share))
    }

    /// The fault of handlers that began before `event`, if any did.
    pub(super) fn fault(&self, workload: &str, event: &str) -> Option<String> {
        let early = self.early;
        (early > 0).then(|| format!("{workload}: {early} tasks began before {event}"))
    }
}

/// How long calls took that enqueued a task.
pub(super) fn calls<'a>(records: impl Iterator<Item = &'a Record>) -> impl Iterator<Item = u64> {
    let enqueued = records.filter(|record| record.kind == Kind::Enqueued);
    enqueued.map(|record| record.t2.saturating_sub(record.t1))
}

/// When each task's handler first began, by token.
pub(super) fn begun<'a>(records: impl Iterator<Item = &'a Record>) -> HashMap<u64, u64> {
    let mut begun = HashMap::new();
    for record in records.filter(|record| record.kind == Kind::Run) {
        let first = begun.entry(record.token).or_insert(record.t1);
        *first = record.t1.min(*first);
    }
    begun
}

/// When each task's handler last ended, by token.
pub(super) fn ended<'a>(records: impl Iterator<Item = &'a Record>) -> HashMap<u64, u64> {
    let mut ended = HashMap::new();
    for record in records.filter(|record| record.kind == Kind::Run) {
        let last = ended.entry(record.token).or_insert(record.t2);
        *last = record.t2.max(*last);
    }
    ended
}

#[cfg(test)]
mod tests {
    use super::*;

    fn record(token: u64, t1: u64, t2: u64, kind: Kind) -> Record {
        Record { token, t1, t2, kind, ending: None, attempt: 1, extra: 0 }
    }

    #[test]
    fn a_rate_counts_from_the_first_begin_to_the_last_end() {
        let records = [
            record(1, 2_000_000_000, 3_000_000_000, Kind::Run),
            record(0, 1_000_000_000, 1, Kind::Run),
        ];
        let reading = rate("drain", 4, records.iter()).unwrap();
        assert!((reading.value - 2.0).abs() < 1e-9, "{reading:?}");
        assert_eq!(rate("drain", 4, records.iter().take(0)), None);
    }

    #[test]
    fn a_task_that_was_run_again_began_at_its_first_run() {
        let records = [
            record(7, 9, 10, Kind::Run),
            record(7, 4, 5, Kind::Run),
            record(8, 1, 2, Kind::Enqueued),
        ];
        assert_eq!(begun(records.iter()), HashMap::from([(7, 4)]));
        assert_eq!(ended(records.iter()), HashMap::from([(7, 10)]));
    }

    #[test]
    fn a_task_that_began_before_it_was_due_is_a_fault_and_no_wait_of_zero() {
        let waits = Waits::of([(10, 9), (10, 10), (10, 14)].into_iter());
        assert_eq!(waits, Waits { times: vec![0, 4], early: 1 });
        assert_eq!(
            waits.fault("steady", "they were due").as_deref(),
            Some("steady: 1 tasks began before they were due")
        );
        assert_eq!(Waits::of([(10, 10)].into_iter()).fault("steady", "they were due"), None);
    }

    #[test]
    fn quantiles_are_in_milliseconds() {
        let readings =
            quantiles("enqueue", ["p50_ms", "p99_ms"], (1..=100).map(|ms| ms * 1_000_000));
        let values: Vec<f64> = readings.iter().map(|reading| reading.value).collect();
        assert!((values[0] - 50.0).abs() < 0.1 && (values[1] - 99.0).abs() < 0.2, "{values:?}");
        assert!(quantiles("enqueue", ["p50_ms", "p99_ms"], std::iter::empty()).is_empty());
    }
}
