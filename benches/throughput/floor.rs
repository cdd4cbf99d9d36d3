//! The references by themselves; other scenarios measure them again in their own rounds.

use std::time::Instant;

use prismq_bench::base::error::Result;
use prismq_bench::load::tasks::PAYLOAD_BYTES;
use prismq_bench::observe::metrics::{
    FLOOR_CLAIM_COMPLETE_PER_S, FLOOR_ENQUEUE_PER_S, FLOOR_LIFE_PER_S, P50_US,
};
use prismq_bench::observe::round::Round;
use prismq_bench::reference::{bound, disk, per_s, raw};
use prismq_bench::run::record::case::Case;
use prismq_bench::run::suite::Suite;
use prismq_record::Model;

pub(crate) fn measure(suite: &mut Suite) -> Result<()> {
    let case = Case::new("floor", "append_bytes", disk::APPEND_BYTES)
        .model(Model::Probe)
        .with("appends", disk::APPENDS);
    suite.measure(case, move |stage| {
        let started = Instant::now();
        let sync = disk::sync_time(stage.bench_dir())?;
        let readings = vec![P50_US.reads(1e6 * sync.as_secs_f64())];
        Ok((started.elapsed(), Round { readings, ..Round::default() }))
    })?;

    let tasks = suite.stage().scale().pick(100, 2_000, 20_000, 100_000);
    let case = Case::new("floor", "operations", raw::OPERATIONS)
        .model(Model::Closed)
        .with("tasks", tasks)
        .with("payload_bytes", PAYLOAD_BYTES);
    suite.measure(case, move |stage| {
        let dir = stage.bench_dir();
        let enqueue = bound::enqueue(stage.kind(), dir, tasks, PAYLOAD_BYTES)?;
        let claim_complete = bound::claim_and_complete(stage.kind(), dir, tasks, PAYLOAD_BYTES)?;
        let life = bound::life(stage.kind(), dir, tasks, PAYLOAD_BYTES)?;
        let readings = vec![
            FLOOR_ENQUEUE_PER_S.reads(per_s(tasks, enqueue)),
            FLOOR_CLAIM_COMPLETE_PER_S.reads(per_s(tasks, claim_complete)),
            FLOOR_LIFE_PER_S.reads(per_s(tasks, life)),
        ];
        Ok((enqueue + claim_complete + life, Round { readings, ..Round::default() }))
    })
}
