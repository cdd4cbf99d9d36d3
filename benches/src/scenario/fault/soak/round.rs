//! What a soak reads, for the record.

use std::time::Duration;

use crate::base::number::{as_f64, ms};
use crate::observe::metrics::{
    BUSY_ERRORS, DUPLICATED, GENERATOR_LAG_P99_MS, KILLED, LOST, MAX_MS, P50_MS, P99_MS, RECOVERED,
    RECOVERY_MS, SAMPLES, SCHEDULE_LAG_P99_MS, WAL_PEAK_MIB,
};
use crate::observe::round::Round;
use crate::scenario::fault::soak::SoakRound;

const MIB: f64 = 1024.0 * 1024.0;

impl SoakRound {
    /// Its readings and distributions, after the 99th percentile of its latency.
    #[must_use]
    pub fn round(self) -> (Duration, Round) {
        let size = |count: usize| u64::try_from(count).unwrap_or(u64::MAX);
        let latencies = self.latencies;
        let end_to_end = &latencies.end_to_end;
        let p99 = end_to_end.value_at_quantile(0.99);
        let mut readings = vec![
            P50_MS.reads(ms(end_to_end.value_at_quantile(0.50))),
            P99_MS.reads(ms(p99)),
            MAX_MS.reads(ms(end_to_end.max())),
            SAMPLES.counts(end_to_end.len()),
            SCHEDULE_LAG_P99_MS.reads(ms(latencies.schedule_lag.value_at_quantile(0.99))),
            GENERATOR_LAG_P99_MS.reads(ms(latencies.generator_lag.value_at_quantile(0.99))),
            BUSY_ERRORS.counts(self.busy_errors),
            KILLED.counts(size(self.deaths.len())),
            RECOVERED.counts(self.deaths.iter().map(|death| size(death.recovered.len())).sum()),
            LOST.counts(self.audit.lost),
            DUPLICATED.counts(self.audit.duplicated),
        ];
        let wal_peak = self.samples.iter().filter_map(|sample| sample.wal_bytes).max();
        readings.extend(wal_peak.map(|bytes| WAL_PEAK_MIB.reads(as_f64(bytes) / MIB)));
        let recoveries = self.deaths.iter().map(|death| 1e3 * death.recovery.as_secs_f64());
        readings.extend(recoveries.map(|ms| RECOVERY_MS.reads(ms)));
        // Runs of handlers are not recorded, so that distributions which need them are empty.
        let mut histograms = latencies.named();
        histograms.retain(|(_, histogram)| !histogram.is_empty());
        let round = Round {
            readings,
            histograms,
            faults: self.faults,
            achieved: Some(self.achieved),
            course: self.course,
            ..Round::default()
        };
        (Duration::from_nanos(p99), round)
    }
}
