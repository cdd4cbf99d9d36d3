//! What is read from an open load, wherever it was offered.

use prismq_bench::observe::metrics::{
    DUPLICATED, GENERATOR_LAG_P99_MS, LOST, MAX_MS, OFFERED_PERCENT, P50_MS, P95_MS, P99_MS,
    P99_UNCORRECTED_MS, PUBLISH_P99_MS, Reading, SAMPLES, SCHEDULE_LAG_P99_MS, WAIT_P99_MS,
};
use prismq_bench::observe::round::Round;
use prismq_bench::scenario::open::OpenRound;

const NS_PER_MS: f64 = 1e6;
const P99: f64 = 0.99;

pub(crate) fn round(offered: &OpenRound) -> Round {
    let latencies = &offered.latencies;
    let quantile = |quantile: f64| ms(latencies.end_to_end.value_at_quantile(quantile));
    let readings: Vec<Reading> = vec![
        P50_MS.reads(quantile(0.50)),
        P95_MS.reads(quantile(0.95)),
        P99_MS.reads(quantile(P99)),
        MAX_MS.reads(ms(latencies.end_to_end.max())),
        P99_UNCORRECTED_MS.reads(ms(latencies.end_to_end_uncorrected.value_at_quantile(P99))),
        PUBLISH_P99_MS.reads(ms(latencies.publish.value_at_quantile(P99))),
        WAIT_P99_MS.reads(ms(latencies.wait.value_at_quantile(P99))),
        SAMPLES.counts(latencies.end_to_end.len()),
        SCHEDULE_LAG_P99_MS.reads(ms(latencies.schedule_lag.value_at_quantile(P99))),
        GENERATOR_LAG_P99_MS.reads(ms(latencies.generator_lag.value_at_quantile(P99))),
        OFFERED_PERCENT.reads(100.0 * offered.achieved),
        LOST.counts(offered.audit.lost),
        DUPLICATED.counts(offered.audit.duplicated),
    ];
    Round {
        readings,
        histograms: latencies.clone().named(),
        faults: offered.faults.clone(),
        achieved: Some(offered.achieved),
        thirds: offered.thirds,
        steady: offered.steady,
        course: offered.course.clone(),
        ..Round::default()
    }
}

#[expect(clippy::cast_precision_loss, reason = "a histogram ends at ten minutes")]
pub(crate) fn ms(ns: u64) -> f64 {
    ns as f64 / NS_PER_MS
}
