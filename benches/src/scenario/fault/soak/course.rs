//! Makes of single times what the record tells: distributions, and what each piece of time saw.

use std::collections::{BTreeMap, HashMap};
use std::time::{Duration, Instant};

use hdrhistogram::Histogram;
use prismq_record::{self as record, Interval, Phase};

use super::Sample;
use super::books::{Arrival, Completion};
use crate::base::error::{Error, Result};
use crate::base::histogram::{add, empty};
use crate::observe::audit::Audit;
use crate::subject::Counters;

const END_TO_END: &str = "end_to_end";

/// When what happened to the tasks.
pub(super) struct Times<'a> {
    pub(super) began: Instant,
    pub(super) arrivals: &'a [Arrival],
    pub(super) completions: &'a [Completion],
}

/// A task's end: when it was known, since the beginning, and how long the task had taken.
type End = (Duration, Duration);

impl Times<'_> {
    /// From the intended enqueue to the committed completion; how late enqueue was called.
    pub(super) fn distributions(&self) -> Result<(Histogram<u64>, Histogram<u64>)> {
        let (mut end_to_end, mut lag) = (empty(END_TO_END)?, empty("schedule_lag")?);
        for (_, took) in self.ends() {
            add(&mut end_to_end, took);
        }
        for arrival in self.arrivals {
            add(&mut lag, arrival.called.saturating_duration_since(arrival.intended));
        }
        Ok((end_to_end, lag))
    }

    pub(super) fn course(
        &self,
        samples: &[Sample],
        phases: Vec<Phase>,
        audit: &Audit,
        met: Counters,
    ) -> Result<record::Round> {
        let mut committed: Vec<Duration> = self
            .arrivals
            .iter()
            .map(|arrival| arrival.committed.saturating_duration_since(self.began))
            .collect();
        committed.sort_unstable();
        let ends = self.ends();
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
            ("empty_polls".to_owned(), met.empty_polls),
            ("claim_conflicts".to_owned(), met.claim_conflicts),
            ("busy_errors".to_owned(), met.busy_errors),
            ("busy_waits".to_owned(), met.busy_waits),
        ]);
        let seconds = samples.last().map_or(0.0, |last| last.at.as_secs_f64());
        Ok(record::Round { seconds, counters, intervals, phases, ..record::Round::default() })
    }

    /// Of tasks that this process completed, by time.
    fn ends(&self) -> Vec<End> {
        let intended: HashMap<i64, Instant> =
            self.arrivals.iter().map(|arrival| (arrival.id, arrival.intended)).collect();
        let mut ends: Vec<End> = self
            .completions
            .iter()
            .filter_map(|completion| {
                let took = completion.at.saturating_duration_since(*intended.get(&completion.id)?);
                Some((completion.at.saturating_duration_since(self.began), took))
            })
            .collect();
        ends.sort_unstable();
        ends
    }
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
