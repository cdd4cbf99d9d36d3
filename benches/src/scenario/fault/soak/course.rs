//! The record of a soak over time: what each interval between two samples saw.

use std::collections::BTreeMap;
use std::time::Duration;

use prismq_record::{self as record, Interval, Phase};

use super::Sample;
use crate::base::clock::Time;
use crate::base::error::{Error, Result};
use crate::base::histogram::{add, empty};
use crate::observe::audit::Audit;
use crate::observe::task_times::TaskTrace;
use crate::subject::Counters;

const END_TO_END: &str = "end_to_end";

/// A task's end: when it was known, since the beginning, and how long the task had taken.
type End = (Duration, Duration);

/// The round of the record. `traces` are those of tasks that this process completed.
pub(super) fn course(
    began: Time,
    traces: &[TaskTrace],
    samples: &[Sample],
    phases: Vec<Phase>,
    (audit, counted): (&Audit, Counters),
) -> Result<record::Round> {
    let mut committed: Vec<Duration> =
        traces.iter().map(|trace| trace.arrival.committed.since(began)).collect();
    committed.sort_unstable();
    let mut ends: Vec<End> = traces
        .iter()
        .filter_map(|trace| Some((trace.completed?.since(began), trace.end_to_end()?)))
        .collect();
    ends.sort_unstable();
    let intervals = samples
        .iter()
        .zip(samples.iter().skip(1))
        .map(|(from, to)| interval(*from, *to, &committed, &ends))
        .collect::<Result<Vec<_>>>()?;
    let counters = BTreeMap::from([
        ("enqueued".to_owned(), audit.enqueued),
        ("completed".to_owned(), audit.completed),
        ("lost".to_owned(), audit.lost),
        ("duplicated".to_owned(), audit.duplicated),
        ("empty_polls".to_owned(), counted.empty_polls),
        ("claim_conflicts".to_owned(), counted.claim_conflicts),
        ("busy_errors".to_owned(), counted.busy_errors),
        ("busy_waits".to_owned(), counted.busy_waits),
    ]);
    let seconds = samples.last().map_or(0.0, |last| last.at.as_secs_f64());
    Ok(record::Round { seconds, counters, intervals, phases, ..record::Round::default() })
}

fn interval(from: Sample, to: Sample, committed: &[Duration], ends: &[End]) -> Result<Interval> {
    let upto = |at: Duration| committed.partition_point(|time| *time < at);
    let ended_upto = |at: Duration| ends.partition_point(|(time, _)| *time < at);
    let (first, last) = (ended_upto(from.at), ended_upto(to.at));
    let mut end_to_end = empty(END_TO_END)?;
    for (_, took) in ends.get(first..last).unwrap_or_default() {
        add(&mut end_to_end, *took);
    }
    let end_to_end = record::Histogram::encode(&end_to_end, "ns")
        .map_err(|error| Error::Histogram { name: END_TO_END, reason: error.to_string() })?;
    let size = |count: usize| u64::try_from(count).unwrap_or(u64::MAX);
    Ok(Interval {
        from_s: from.at.as_secs_f64(),
        seconds: to.at.saturating_sub(from.at).as_secs_f64(),
        enqueued: Some(size(upto(to.at).saturating_sub(upto(from.at)))),
        completed: Some(size(last.saturating_sub(first))),
        busy_waits: Some(to.busy_waits.saturating_sub(from.busy_waits)),
        depth: Some(to.depth),
        rss_bytes: to.rss_bytes,
        wal_bytes: to.wal_bytes,
        database_bytes: to.database_bytes,
        end_to_end: Some(end_to_end),
    })
}
