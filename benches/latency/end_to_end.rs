//! How long does a task take from the moment it was meant to be enqueued to its committed
//! completion, while tasks arrive at a constant rate? p50, p95 and p99 are Criterion benchmarks of
//! their own over the same rounds; the record keeps the whole distribution.

use std::time::Duration;

use prismq_bench::error::Result;
use prismq_bench::metrics::{
    DUPLICATED, LOST, MAX_MS, P50_MS, P95_MS, P99_MS, SAMPLES, SCHEDULE_LAG_P99_MS,
};
use prismq_bench::recorder::{Case, Round};
use prismq_bench::rounds::SharedRounds;
use prismq_bench::suite::Suite;
use prismq_bench::workload::open_loop::{Latencies, OpenLoop, open_loop};

const TASKS_PER_S: u32 = 200;
const PERCENTILES: [u8; 3] = [50, 95, 99];
/// With fewer, a p99 is little more than the longest of them.
const SAMPLES_MIN: u64 = 1000;
const NS_PER_MS: f64 = 1e6;

pub(crate) fn measure(suite: &mut Suite<'_>) -> Result<()> {
    let tasks = suite.stage().scale().pick(20, 100, 600, 2_000);
    let load = OpenLoop {
        workers: 1,
        generators: 1,
        tasks,
        interval: Duration::from_secs(1) / TASKS_PER_S,
    };
    let case = Case::new("end_to_end", "workers", load.workers)
        .with("tasks", tasks)
        .with("rate_per_s", TASKS_PER_S)
        .with("arrivals", "constant rate")
        .with("handler", "no-op");
    let mut shared = SharedRounds::default();
    for percentile in PERCENTILES {
        let parameter = format!("{},percentile={percentile}", case.parameter);
        suite.bench_as(case.scenario, &parameter, |stage, call| {
            let round = shared.get(call.index, || open_loop(stage, load))?;
            Ok(Duration::from_nanos(
                round.end_to_end.value_at_quantile(f64::from(percentile) / 100.0),
            ))
        })?;
    }
    let measured: Vec<_> = shared.measured().iter().skip(suite.discarded_calls()).collect();
    let samples: u64 = measured.iter().map(|latencies| latencies.end_to_end.len()).sum();
    let mut rounds: Vec<Round> = measured.iter().map(|latencies| round(latencies)).collect();
    if let Some(last) = rounds.last_mut()
        && samples < SAMPLES_MIN
        && !suite.is_trial()
    {
        last.faults.push(format!("{samples} samples in all; a p99 needs {SAMPLES_MIN}"));
    }
    suite.record(case, &rounds, Vec::new())
}

pub(crate) fn round(latencies: &Latencies) -> Round {
    let quantile = |quantile: f64| ms(latencies.end_to_end.value_at_quantile(quantile));
    let readings = vec![
        P50_MS.reads(quantile(0.50)),
        P95_MS.reads(quantile(0.95)),
        P99_MS.reads(quantile(0.99)),
        MAX_MS.reads(ms(latencies.end_to_end.max())),
        SAMPLES.counts(latencies.end_to_end.len()),
        SCHEDULE_LAG_P99_MS.reads(ms(latencies.schedule_lag.value_at_quantile(0.99))),
        LOST.counts(latencies.audit.lost),
        DUPLICATED.counts(latencies.audit.duplicated),
    ];
    let histograms = vec![
        ("end_to_end", latencies.end_to_end.clone()),
        ("enqueue", latencies.enqueue.clone()),
        ("schedule_lag", latencies.schedule_lag.clone()),
    ];
    Round { readings, histograms, faults: latencies.faults.clone() }
}

#[expect(clippy::cast_precision_loss, reason = "a histogram ends at ten minutes")]
pub(crate) fn ms(ns: u64) -> f64 {
    ns as f64 / NS_PER_MS
}
