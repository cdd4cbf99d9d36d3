//! The floors by themselves, and those the other groups measure beside their own rounds.

use std::time::{Duration, Instant};

use prismq_bench::bench_dir::BenchDir;
use prismq_bench::error::Result;
use prismq_bench::floor::{disk, raw};
use prismq_bench::metrics::{
    FLOOR_CLAIM_COMPLETE_PER_S, FLOOR_ENQUEUE_PER_S, FLOOR_LIFE_PER_S, P50_US, as_f64,
};
use prismq_bench::recorder::{Case, Round};
use prismq_bench::suite::Suite;
use prismq_bench::workload::PAYLOAD_BYTES;

/// Appends whose median is one reading.
const APPENDS: usize = 100;

pub(crate) fn measure(suite: &mut Suite<'_>) -> Result<()> {
    let case = Case::new("floor", "append_bytes", disk::APPEND_BYTES).with("appends", APPENDS);
    suite.measure(case, |stage| {
        let started = Instant::now();
        let sync = sync_time(stage.bench_dir())?;
        let readings = vec![P50_US.reads(1e6 * sync.as_secs_f64())];
        Ok((started.elapsed(), Round { readings, ..Round::default() }))
    })?;

    let tasks = suite.stage().scale().pick(100, 2_000, 20_000, 100_000);
    let case = Case::new("floor", "operations", raw::OPERATIONS)
        .with("tasks", tasks)
        .with("payload_bytes", PAYLOAD_BYTES);
    suite.measure(case, |stage| {
        let dir = stage.bench_dir();
        let enqueue = raw::enqueue(dir, tasks, PAYLOAD_BYTES)?;
        let claim_complete = raw::claim_and_complete(dir, tasks, PAYLOAD_BYTES)?;
        let life = raw::life(dir, tasks, PAYLOAD_BYTES)?;
        let readings = vec![
            FLOOR_ENQUEUE_PER_S.reads(per_s(tasks, enqueue)),
            FLOOR_CLAIM_COMPLETE_PER_S.reads(per_s(tasks, claim_complete)),
            FLOOR_LIFE_PER_S.reads(per_s(tasks, life)),
        ];
        Ok((enqueue + claim_complete + life, Round { readings, ..Round::default() }))
    })
}

/// The median time the disk takes to sync a page right now.
pub(crate) fn sync_time(bench_dir: &BenchDir) -> Result<Duration> {
    let mut times = disk::appends(bench_dir, APPENDS)?;
    times.sort_unstable();
    Ok(times.get(times.len() / 2).copied().unwrap_or_default())
}

pub(crate) fn per_s(tasks: usize, took: Duration) -> f64 {
    as_f64(u64::try_from(tasks).unwrap_or(u64::MAX)) / took.as_secs_f64()
}
