//! 1, 10 and 64 callers that enqueue one task a call.

use prismq_bench::engine::EngineKind;
use prismq_bench::error::Result;
use prismq_bench::floor::{disk, per_s, raw};
use prismq_bench::metrics::{
    BUSY_ERRORS, ENQUEUE_TASKS_PER_S, RATIO_TO_DISK, RATIO_TO_FLOOR, RATIO_TO_POOLED,
};
use prismq_bench::recorder::{Case, Round};
use prismq_bench::stage::Stage;
use prismq_bench::suite::Suite;
use prismq_bench::workload::PAYLOAD_BYTES;
use prismq_bench::workload::enqueue::{Enqueue, Enqueued, enqueue};
use prismq_report::record::Model;

/// Callers, their tasks and the pooled engine's in the standard profile.
const LEVELS: &[(usize, usize, usize)] =
    &[(1, 4_000, 4_000), (10, 8_000, 1_000), (64, 30_000, 640)];
/// In a smoke run, which has no time for 64 callers of the pooled engine that stand in each other's way.
const LEVELS_SMOKE: &[(usize, usize, usize)] = &[(1, 1_500, 1_500), (10, 8_000, 250)];

pub(crate) fn measure(suite: &mut Suite<'_>) -> Result<()> {
    let levels = suite.stage().scale().pick(LEVELS, LEVELS_SMOKE, LEVELS, LEVELS);
    for &(callers, standard, pooled) in levels {
        let tasks = suite.stage().scale().pick(callers * 2, standard / 10, standard, standard * 2);
        // The pooled engine does as much as takes it about as long: a rate is a rate.
        let pooled = suite.stage().scale().pick(callers * 2, pooled / 5, pooled, pooled * 2);
        let load = Enqueue { callers, tasks };
        let yardstick = Enqueue { callers, tasks: pooled };
        let case = Case::new("enqueue", "callers", callers)
            .model(Model::Closed)
            .with("tasks", tasks)
            .with("tasks_of_pooled", pooled)
            .with("payload_bytes", PAYLOAD_BYTES);
        suite.measure(case, |stage| {
            let enqueued = enqueue(stage, load)?;
            let took = enqueued.took;
            Ok((took, round(stage, enqueued, load, yardstick)?))
        })?;
    }
    Ok(())
}

fn round(stage: &Stage, done: Enqueued, load: Enqueue, yardstick: Enqueue) -> Result<Round> {
    let pooled = enqueue(&stage.with_engine(EngineKind::Pooled), yardstick)?;
    let disk = disk::syncs_per_s(stage.bench_dir())?;
    let floor = per_s(load.tasks, raw::enqueue(stage.bench_dir(), load.tasks, PAYLOAD_BYTES)?);
    let (rate, pooled_rate) = (done.per_s(), pooled.per_s());
    let readings = vec![
        ENQUEUE_TASKS_PER_S.reads(rate),
        RATIO_TO_POOLED.reads(rate / pooled_rate),
        RATIO_TO_DISK.reads(rate / disk),
        RATIO_TO_FLOOR.reads(rate / floor),
        BUSY_ERRORS.counts(done.met.busy_errors),
    ];
    let faults = [done.faults, pooled.faults].concat();
    Ok(Round {
        readings,
        histograms: vec![("publish", done.publish)],
        faults,
        course: done.course,
        ..Round::default()
    }
    .beside(ENQUEUE_TASKS_PER_S, "disk", disk)
    .beside(ENQUEUE_TASKS_PER_S, "sqlite", floor)
    .beside(ENQUEUE_TASKS_PER_S, "pooled", pooled_rate))
}
