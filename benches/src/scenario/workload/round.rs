//! What a planned workload reads, for the record.

use std::time::Duration;

use hdrhistogram::Histogram;

use crate::base::number::ms;
use crate::observe::metrics::{
    BUSY_ERRORS, DEAD, DUPLICATED, GENERATOR_LAG_P99_MS, LOST, MAX_MS, P50_MS, P95_MS, P99_MS,
    P99_UNCORRECTED_MS, RETRIED, SAMPLES, SCHEDULE_LAG_P99_MS, TASKS_PER_S, WAIT_P99_MS,
};
use crate::observe::round::Round;
use crate::scenario::workload::Done;

impl Done {
    /// Its readings and distributions, after the 99th percentile of its latency.
    #[must_use]
    pub fn round(&self) -> (Duration, Round) {
        let latencies = &self.latencies;
        let p99_of = |histogram: &Histogram<u64>| ms(histogram.value_at_quantile(0.99));
        let end_to_end = &latencies.end_to_end;
        let samples = self.tasks.iter().filter(|task| task.trace.completed.is_some()).count();
        let readings = vec![
            P50_MS.reads(ms(end_to_end.value_at_quantile(0.50))),
            P95_MS.reads(ms(end_to_end.value_at_quantile(0.95))),
            P99_MS.reads(p99_of(end_to_end)),
            MAX_MS.reads(ms(end_to_end.max())),
            P99_UNCORRECTED_MS.reads(p99_of(&latencies.end_to_end_uncorrected)),
            WAIT_P99_MS.reads(p99_of(&latencies.wait)),
            SCHEDULE_LAG_P99_MS.reads(p99_of(&latencies.schedule_lag)),
            GENERATOR_LAG_P99_MS.reads(p99_of(&latencies.generator_lag)),
            SAMPLES.counts(u64::try_from(samples).unwrap_or(u64::MAX)),
            TASKS_PER_S.reads(self.tasks_per_s()),
            RETRIED.counts(self.retried),
            DEAD.counts(self.dead),
            BUSY_ERRORS.counts(self.busy_errors),
            LOST.counts(self.audit.lost),
            DUPLICATED.counts(self.audit.duplicated),
        ];
        let round = Round {
            readings,
            histograms: latencies.clone().named(),
            faults: self.faults.clone(),
            achieved: self.offered,
            ..Round::default()
        };
        (Duration::from_nanos(end_to_end.value_at_quantile(0.99)), round)
    }
}
