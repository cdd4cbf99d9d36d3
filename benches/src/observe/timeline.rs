//! A round over time: what its tasks and its samples say, cut into intervals.
//!
//! Counts and latencies come from the tasks' own times once the round is over, so that nothing is
//! counted twice and nothing is counted while it is measured.

use std::time::Duration;

use prismq_record::{Histogram, Interval, Phase};

use crate::base::clock::Time;
use crate::base::error::{Error, Result};
use crate::base::histogram::{add, with_digits};
use crate::observe::sampler::Sample;
use crate::observe::task_times::TaskTrace;

/// An interval has too few tasks for more.
const SIGNIFICANT_DIGITS: u8 = 2;
/// What is left at the end is an interval of its own from this share of one on.
const SHORTEST_SHARE: u32 = 4;

/// When tasks came and went.
#[derive(Debug, Clone, Default)]
pub struct Marks {
    /// When each was enqueued.
    enqueued: Vec<Time>,
    /// When each was completed, and how long it took from end to end where that is known.
    completed: Vec<(Time, Option<Duration>)>,
    /// Tasks that were there at the start.
    before: u64,
}

impl Marks {
    /// Those of tasks whose traces are known.
    #[must_use]
    pub fn of(traces: &[TaskTrace]) -> Self {
        let enqueued = traces.iter().map(|trace| trace.arrival.committed).collect();
        let completed = traces
            .iter()
            .filter_map(|trace| trace.completed.map(|completed| (completed, trace.end_to_end())))
            .collect();
        Self { enqueued, completed, before: 0 }.sorted()
    }

    /// Those of a backlog of which only the completions are known.
    #[must_use]
    pub fn completions(of: u64, at: impl IntoIterator<Item = Time>) -> Self {
        let completed = at.into_iter().map(|at| (at, None)).collect();
        Self { enqueued: Vec::new(), completed, before: of }.sorted()
    }

    /// With those of a backlog, of whose tasks no more is known.
    #[must_use]
    pub fn with_backlog(
        mut self,
        enqueued: impl IntoIterator<Item = Time>,
        completed: impl IntoIterator<Item = Time>,
    ) -> Self {
        self.enqueued.extend(enqueued);
        self.completed.extend(completed.into_iter().map(|at| (at, None)));
        self.sorted()
    }

    fn sorted(mut self) -> Self {
        self.enqueued.sort_unstable();
        self.completed.sort_unstable();
        self
    }
}

/// Cuts a round into intervals, from `from` to `to`. They end where samples were taken; where there are
/// none, at every `every`. Times are counted from `origin`.
///
/// # Errors
/// [`Error::Histogram`] if an interval's latencies cannot be written.
pub fn intervals(
    origin: Time,
    (from, to): (Time, Time),
    every: Duration,
    marks: &Marks,
    samples: &[Sample],
) -> Result<Vec<Interval>> {
    let mut intervals = Vec::new();
    let mut begin = from;
    let mut seen = samples.first();
    for (end, sample) in ends(from, to, every, samples) {
        let enqueued = between(&marks.enqueued, begin, end, |at| *at);
        let completed = between(&marks.completed, begin, end, |(at, _)| *at);
        let arrived = marks.before + size(marks.enqueued.partition_point(|at| *at <= end));
        let left = size(marks.completed.partition_point(|(at, _)| *at <= end));
        intervals.push(Interval {
            from_s: seconds(begin, origin),
            seconds: end.since(begin).as_secs_f64(),
            enqueued: Some(size(enqueued.len())),
            completed: Some(size(completed.len())),
            busy_waits: sample
                .zip(seen)
                .map(|(now, before)| now.busy_waits.saturating_sub(before.busy_waits)),
            depth: Some(arrived.saturating_sub(left)),
            rss_bytes: sample.and_then(|sample| sample.rss_bytes),
            wal_bytes: sample.and_then(|sample| sample.wal_bytes),
            database_bytes: sample.and_then(|sample| sample.database_bytes),
            end_to_end: end_to_end(completed)?,
        });
        begin = end;
        seen = sample.or(seen);
    }
    Ok(intervals)
}

/// A named part of a round.
#[must_use]
pub fn phase(name: &str, origin: Time, from: Time, to: Time) -> Phase {
    Phase { name: name.to_owned(), from_s: seconds(from, origin), to_s: seconds(to, origin) }
}

/// Where intervals end, and what was sampled there.
fn ends(from: Time, to: Time, every: Duration, samples: &[Sample]) -> Vec<(Time, Option<&Sample>)> {
    let mut ends: Vec<(Time, Option<&Sample>)> = if samples.is_empty() {
        let every = every.max(Duration::from_nanos(1));
        let grid = std::iter::successors(Some(from + every), |end| Some(*end + every));
        grid.take_while(|end| *end < to).chain([to]).map(|end| (end, None)).collect()
    } else {
        let after = samples.iter().filter(|sample| sample.at > from);
        after.map(|sample| (sample.at, Some(sample))).collect()
    };
    // A stub at the end belongs to the interval before it.
    if let [.., (before, _), (last, _)] = ends.as_slice()
        && last.since(*before) < every / SHORTEST_SHARE
    {
        ends.remove(ends.len() - 2);
    }
    ends
}

/// The part of a sorted list that lies after `from`, up to and with `to`.
fn between<T>(sorted: &[T], from: Time, to: Time, at: impl Fn(&T) -> Time) -> &[T] {
    let begin = sorted.partition_point(|item| at(item) <= from);
    let end = sorted.partition_point(|item| at(item) <= to);
    sorted.get(begin..end).unwrap_or_default()
}

fn end_to_end(completed: &[(Time, Option<Duration>)]) -> Result<Option<Histogram>> {
    const NAME: &str = "end_to_end";
    let mut histogram = with_digits(NAME, SIGNIFICANT_DIGITS)?;
    for time in completed.iter().filter_map(|(_, time)| *time) {
        add(&mut histogram, time);
    }
    if histogram.is_empty() {
        return Ok(None);
    }
    Histogram::encode(&histogram, "ns")
        .map(Some)
        .map_err(|error| Error::Histogram { name: NAME, reason: error.to_string() })
}

/// Seconds from `origin`, negative before it.
fn seconds(at: Time, origin: Time) -> f64 {
    if at >= origin { at.since(origin).as_secs_f64() } else { -origin.since(at).as_secs_f64() }
}

fn size(count: usize) -> u64 {
    u64::try_from(count).unwrap_or(u64::MAX)
}
