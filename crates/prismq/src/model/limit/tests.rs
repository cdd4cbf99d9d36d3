use std::time::Duration;

use super::*;
use crate::model::limits::RATE_PERIOD_MAX;

const SECOND: Duration = Duration::from_secs(1);

/// When tasks start that are always waiting, looked for at each of these times.
fn starts(limit: Limit, times: impl IntoIterator<Item = i64>) -> Vec<i64> {
    let mut arrival = 0;
    let mut starts = Vec::new();
    for now in times {
        while limit.total.next_start(arrival, now) <= now {
            arrival = limit.total.arrival_after(arrival, now);
            starts.push(now);
        }
    }
    starts
}

#[test]
fn no_period_has_more_starts_than_the_rate_and_its_burst_allow() {
    for (tasks, burst) in [(1, 1), (3, 1), (3, 3), (10, 1), (10, 4), (1000, 7)] {
        let limit = Limit::rate(tasks, SECOND).burst(burst);
        limit.validate().unwrap();
        let times = (0..400_000).map(|step| 5_000_000 + step * 37 % 9_000_000);
        let mut times: Vec<i64> = times.collect();
        times.sort_unstable();
        let starts = starts(limit, times);
        let most = (tasks + burst - 1) as usize;
        for (first, start) in starts.iter().enumerate() {
            let within = starts[first..].iter().take_while(|at| **at < start + 1_000_000);
            assert!(within.count() <= most, "{limit} from {start}");
        }
        assert!(starts.len() >= 9 * tasks as usize - 9, "{limit}: {}", starts.len());
    }
}

#[test]
fn an_arrival_time_that_cannot_be_keeps_no_task_waiting() {
    let limit = Limit::rate(10, SECOND).burst(3);
    let now = 1_000_000;
    let latest = limit.total.latest_arrival(now);
    assert_eq!(limit.total.next_start(latest, now), now + 100_000);
    assert!(limit.total.next_start(latest + 1, now) <= now);
    assert_eq!(limit.total.arrival_after(latest + 1, now), now + 100_000);
}

#[test]
fn bounds_are_combined_and_moved_to_keys() {
    let rate = Limit::rate(5, SECOND).burst(2);
    let both = rate.and(Limit::concurrency(3).per_key());
    assert_eq!(both.to_string(), "5 in 1s (burst 2), 3 at once per key");
    assert_eq!(both.and(Limit::concurrency(1).per_key()).per_key.concurrency, Some(1));
    assert_eq!(rate.per_key().to_string(), "5 in 1s per key (burst 2)");
    assert_eq!(Limit::unlimited().to_string(), "unlimited");
}

#[test]
fn bounds_that_cannot_be_kept_are_refused() {
    let ms = Duration::from_millis(1);
    for (limit, what) in [
        (Limit::concurrency(0), "concurrency"),
        (Limit::concurrency(u32::MAX).per_key(), "concurrency"),
        (Limit::rate(0, SECOND), "rate"),
        (Limit::rate(1, Duration::ZERO), "rate"),
        (Limit::rate(1, Duration::MAX), "rate"),
        (Limit::rate(11, ms), "rate"),
        (Limit::rate(u32::MAX, SECOND), "rate"),
        (Limit::rate(5, SECOND).burst(0), "burst"),
        (Limit::rate(5, SECOND).burst(6).per_key(), "burst"),
    ] {
        match limit.validate() {
            Err(Error::InvalidInput { what: named, .. }) => assert_eq!(named, what),
            other => panic!("{limit}: {other:?}"),
        }
    }
    Limit::rate(10, ms).burst(10).validate().unwrap();
}

#[test]
fn no_time_overflows() {
    let limit = Limit::rate(1, RATE_PERIOD_MAX);
    for (arrival, now) in [(i64::MAX, i64::MAX), (i64::MIN, i64::MIN), (i64::MIN, i64::MAX)] {
        limit.total.next_start(arrival, now);
        limit.total.arrival_after(arrival, now);
    }
}
