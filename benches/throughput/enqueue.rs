//! 1, 10 and 64 callers that enqueue one task a call.

use std::time::Duration;

use prismq_bench::engine::{Counters, EngineKind};
use prismq_bench::error::{Error, Result};
use prismq_bench::floor::{disk, per_s, raw};
use prismq_bench::latencies::empty;
use prismq_bench::metrics::{
    BUSY_ERRORS, ENQUEUE_TASKS_PER_S, RATIO_TO_DISK, RATIO_TO_FLOOR, RATIO_TO_POOLED, Reading,
    as_f64,
};
use prismq_bench::recorder::{Case, Round};
use prismq_bench::stage::Stage;
use prismq_bench::suite::Suite;
use prismq_bench::workload::PAYLOAD_BYTES;
use prismq_bench::workload::enqueue::{Enqueue, Enqueued, enqueue};
use prismq_bench::written::Written;
use prismq_report::record::Model;

/// Callers, their tasks and the pooled engine's in the standard profile, and in how many turns.
const LEVELS: &[(usize, usize, usize, usize)] =
    &[(1, 4_000, 4_000, 8), (10, 8_000, 1_000, 1), (64, 30_000, 640, 1)];
/// In a smoke run, which has no time for 64 callers of the pooled engine that stand in each other's way.
const LEVELS_SMOKE: &[(usize, usize, usize, usize)] = &[(1, 1_500, 500, 1), (10, 8_000, 100, 1)];

pub(crate) fn measure(suite: &mut Suite) -> Result<()> {
    let levels = suite.stage().scale().pick(LEVELS, LEVELS_SMOKE, LEVELS, LEVELS);
    for &(callers, standard, pooled, turns) in levels {
        let tasks = suite.stage().scale().pick(callers * 2, standard / 20, standard, standard * 2);
        // The pooled engine does as much as takes it about as long: a rate is a rate.
        let pooled = suite.stage().scale().pick(callers * 2, pooled / 5, pooled, pooled * 2);
        let turns = suite.stage().scale().pick(1, turns, turns, turns);
        let load = Enqueue { callers, tasks: tasks / turns };
        let yardstick = Enqueue { callers, tasks: pooled / turns };
        let case = Case::new("enqueue", "callers", callers)
            .model(Model::Closed)
            .tasks(tasks)
            .with("tasks", tasks)
            .with("tasks_of_pooled", pooled)
            .with("turns", turns)
            .with("payload_bytes", PAYLOAD_BYTES);
        suite.measure(case, move |stage| {
            let (mut ours, mut theirs) = (Vec::new(), Vec::new());
            // Two that each wait for the disk are told apart only while it is in the same mood.
            for _ in 0..turns {
                ours.push(enqueue(stage, load)?);
                theirs.push(enqueue(&stage.with_engine(EngineKind::Pooled), yardstick)?);
            }
            let took = ours.iter().map(|turn| turn.took).sum();
            Ok((took, round(stage, &ours, &theirs, tasks)?))
        })?;
    }
    Ok(())
}

/// Of turns; over time, the first of them is told.
fn round(stage: &Stage, ours: &[Enqueued], theirs: &[Enqueued], tasks: usize) -> Result<Round> {
    let disk = disk::syncs_per_s(stage.bench_dir())?;
    let floor = per_s(tasks, raw::enqueue(stage.bench_dir(), tasks, PAYLOAD_BYTES)?);
    let (rate, pooled_rate) = (rate(ours), rate(theirs));
    let mut publish = empty("publish")?;
    for turn in ours {
        publish
            .add(&turn.publish)
            .map_err(|error| Error::Histogram { name: "publish", reason: error.to_string() })?;
    }
    let mut readings = vec![
        ENQUEUE_TASKS_PER_S.reads(rate),
        RATIO_TO_POOLED.reads(rate / pooled_rate),
        RATIO_TO_DISK.reads(rate / disk),
        RATIO_TO_FLOOR.reads(rate / floor),
        BUSY_ERRORS.counts(ours.iter().map(|turn| turn.met.busy_errors).sum()),
    ];
    readings.extend(per_task(ours).into_iter().flatten());
    let faults = ours.iter().chain(theirs).flat_map(|turn| turn.faults.clone()).collect();
    Ok(Round {
        readings,
        histograms: vec![("publish", publish)],
        faults,
        course: ours.first().map(|turn| turn.course.clone()).unwrap_or_default(),
        ..Round::default()
    }
    .beside(ENQUEUE_TASKS_PER_S, "disk", disk)
    .beside(ENQUEUE_TASKS_PER_S, "sqlite", floor)
    .beside(ENQUEUE_TASKS_PER_S, "pooled", pooled_rate))
}

/// What a task took to be written, over all turns.
fn per_task(turns: &[Enqueued]) -> Option<[Reading; 3]> {
    let mut written = Written::default();
    let mut met = Counters::default();
    for turn in turns {
        written = written.and(turn.written?);
        met.synced_transactions += turn.met.synced_transactions;
    }
    Some(written.per_task(met, turns.iter().map(|turn| turn.tasks).sum()))
}

/// Tasks a second, all turns together.
fn rate(turns: &[Enqueued]) -> f64 {
    let tasks: u64 = turns.iter().map(|turn| turn.tasks).sum();
    let took: Duration = turns.iter().map(|turn| turn.took).sum();
    as_f64(tasks) / took.as_secs_f64()
}
