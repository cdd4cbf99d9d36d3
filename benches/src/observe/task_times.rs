//! The times of single tasks and the distributions made of them.
//!
//! All of a task's times are read from one clock: when it was meant to be enqueued, when its caller
//! called, when the caller knew of the commit, when its handler began and ended, and when its
//! completion was known to be committed. The five [`Stages`] between them sum to the whole. Latencies count
//! from the intended time, which corrects for coordinated omission; `end_to_end_uncorrected` counts from the call.

use std::collections::HashMap;
use std::time::Duration;

use hdrhistogram::Histogram;

use crate::base::clock::Time;
use crate::base::error::Result;
use crate::base::histogram::{add, empty};
use crate::observe::ledger::Entry;
use crate::subject::{Arrival, Ending, Run};

/// By how much a task's stages may miss its whole time: the clock's resolution.
const RESOLUTION: Duration = Duration::from_micros(1);

/// A task from its intended beginning to its committed end.
#[derive(Debug, Clone, Copy)]
pub struct TaskTrace {
    /// Its beginning.
    pub arrival: Arrival,
    /// Its first run, if it was run.
    pub run: Option<Run>,
    /// When its completion was known to be committed, if it was.
    pub completed: Option<Time>,
}

impl TaskTrace {
    /// From its intended beginning to its end.
    #[must_use]
    pub fn end_to_end(&self) -> Option<Duration> {
        Some(self.completed?.since(self.arrival.intended))
    }

    /// Where its time went, if it was run and completed.
    #[must_use]
    pub fn stages(&self) -> Option<Stages> {
        let (run, completed) = (self.run?, self.completed?);
        let Arrival { intended, called, committed, .. } = self.arrival;
        // A handler that has begun proves the commit before the caller knows of it.
        let known = committed.min(run.started);
        Some(Stages {
            lag: called.since(intended),
            publish: known.since(called),
            wait: run.started.since(known),
            handler: run.ended.since(run.started),
            settle: completed.since(run.ended),
        })
    }
}

/// What a task's time from its intended enqueue to its committed completion consists of: each stage begins
/// where the one before ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Stages {
    /// From the intended enqueue to the call.
    pub lag: Duration,
    /// From the call until the commit was known, to the caller or by the beginning of the handler.
    pub publish: Duration,
    /// From there to the beginning of the handler.
    pub wait: Duration,
    /// The handler's first run.
    pub handler: Duration,
    /// From its end to the known commit of the completion. Further attempts of a failed task are in it.
    pub settle: Duration,
}

impl Stages {
    /// All five together.
    #[must_use]
    pub fn sum(&self) -> Duration {
        self.lag + self.publish + self.wait + self.handler + self.settle
    }
}

/// Joins what callers and pool reported of each task, in the order of arrivals.
#[must_use]
pub fn traces(arrivals: &[Arrival], runs: &[Run], completions: &[Entry]) -> Vec<TaskTrace> {
    let mut run_of: HashMap<i64, Run> = HashMap::with_capacity(runs.len());
    for run in runs {
        let first = run_of.entry(run.id).or_insert(*run);
        if run.started < first.started {
            *first = *run;
        }
    }
    let completed_at: HashMap<i64, Time> = completions
        .iter()
        .filter(|entry| entry.settled.ending == Ending::Completed)
        .rev()
        .map(|entry| (entry.settled.id, entry.at))
        .collect();
    arrivals
        .iter()
        .map(|arrival| TaskTrace {
            arrival: *arrival,
            run: run_of.get(&arrival.id).copied(),
            completed: completed_at.get(&arrival.id).copied(),
        })
        .collect()
}

/// The distributions of a load's times, in nanoseconds.
#[derive(Debug, Clone)]
pub struct Latencies {
    /// From the call to the known commit.
    pub publish: Histogram<u64>,
    /// From the known commit to the handler; 0 where the handler was faster than the answer.
    pub wait: Histogram<u64>,
    /// Of the handlers.
    pub service: Histogram<u64>,
    /// From the intended enqueue to the committed completion.
    pub end_to_end: Histogram<u64>,
    /// The same from the actual call: what a closed-loop harness would report.
    pub end_to_end_uncorrected: Histogram<u64>,
    /// How late calls were, for any reason.
    pub schedule_lag: Histogram<u64>,
    /// How late calls were though their caller had nothing else to do: caused by the harness.
    pub generator_lag: Histogram<u64>,
    /// From the call until the commit was known to the caller or its handler began: the part of `publish`
    /// that precedes all other stages.
    pub stage_publish: Histogram<u64>,
    /// From the end of the handler to the known commit of the completion.
    pub settle: Histogram<u64>,
    /// Handlers that began before the caller knew of the commit.
    pub begun_before_known: u64,
    /// Tasks whose stages do not sum to their whole time: what was reported of them is wrong.
    pub unbalanced: u64,
}

impl Latencies {
    /// The distributions of these tasks.
    ///
    /// # Errors
    /// [`Error::Histogram`](crate::base::error::Error::Histogram) if there can be none.
    pub fn of<'a>(traces: impl IntoIterator<Item = &'a TaskTrace>) -> Result<Self> {
        let mut latencies = Self {
            publish: empty("publish")?,
            wait: empty("wait")?,
            service: empty("service")?,
            end_to_end: empty("end_to_end")?,
            end_to_end_uncorrected: empty("end_to_end_uncorrected")?,
            schedule_lag: empty("schedule_lag")?,
            generator_lag: empty("generator_lag")?,
            stage_publish: empty("stage_publish")?,
            settle: empty("settle")?,
            begun_before_known: 0,
            unbalanced: 0,
        };
        for trace in traces {
            latencies.add(trace);
        }
        Ok(latencies)
    }

    fn add(&mut self, trace: &TaskTrace) {
        let Arrival { intended, free, called, committed, .. } = trace.arrival;
        add(&mut self.publish, committed.since(called));
        add(&mut self.schedule_lag, called.since(intended));
        add(&mut self.generator_lag, called.since(intended.max(free)));
        if let Some(run) = trace.run {
            add(&mut self.wait, run.started.since(committed));
            add(&mut self.service, run.ended.since(run.started));
            self.begun_before_known += u64::from(run.started < committed);
        }
        if let Some(completed) = trace.completed {
            add(&mut self.end_to_end, completed.since(intended));
            add(&mut self.end_to_end_uncorrected, completed.since(called));
        }
        if let (Some(stages), Some(whole)) = (trace.stages(), trace.end_to_end()) {
            add(&mut self.stage_publish, stages.publish);
            add(&mut self.settle, stages.settle);
            self.unbalanced += u64::from(stages.sum().abs_diff(whole) > RESOLUTION);
        }
    }

    /// Why these times are invalid, if they are.
    #[must_use]
    pub fn imbalance(&self) -> Option<String> {
        (self.unbalanced > 0).then(|| {
            format!(
                "the stages of {} of {} tasks do not sum to their end-to-end time: an event was recorded \
                 before the one it follows",
                self.unbalanced,
                self.end_to_end.len()
            )
        })
    }

    /// All of them by their names in the record.
    #[must_use]
    pub fn named(self) -> Vec<(&'static str, Histogram<u64>)> {
        vec![
            ("publish", self.publish),
            ("wait", self.wait),
            ("service", self.service),
            ("end_to_end", self.end_to_end),
            ("end_to_end_uncorrected", self.end_to_end_uncorrected),
            ("schedule_lag", self.schedule_lag),
            ("generator_lag", self.generator_lag),
            ("stage_publish", self.stage_publish),
            ("settle", self.settle),
        ]
    }
}
