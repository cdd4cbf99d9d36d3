//! A pool of no-op handlers drains a backlog. Each round is a new database.

use std::time::Duration;

use prismq_bench::base::error::Result;
use prismq_bench::base::number::as_f64;
use prismq_bench::base::profile::{Profile, Scale};
use prismq_bench::load::tasks::PAYLOAD_BYTES;
use prismq_bench::observe::metrics::{
    DUPLICATED, EFFICIENCY_PER_WORKER, ENQUEUE_TASKS_PER_S, LOST, RATIO_TO_FLOOR, TASKS_PER_S,
};
use prismq_bench::observe::round::Round;
use prismq_bench::reference::{Turns, bound, disk, per_s};
use prismq_bench::run::record::case::Case;
use prismq_bench::run::suite::Suite;
use prismq_bench::scenario::drain::{Drain, DrainRound, ENQUEUE_BATCH, drain};
use prismq_bench::scenario::stage::Stage;
use prismq_bench::subject::Durability;
use prismq_bench::subject::Work;
use prismq_record::Model;

const WORKERS: &[u32] = &[1, 5, 10];
const WORKERS_FULL: &[u32] = &[1, 2, 5, 10, 20, 64];
const BACKLOGS_FULL: [usize; 3] = [1_000, 100_000, 1_000_000];

pub(crate) fn measure(suite: &mut Suite) -> Result<()> {
    let full = suite.stage().scale() == Scale::Profile(Profile::Full);
    let workers = if full { WORKERS_FULL } else { WORKERS };
    let tasks = suite.stage().scale().pick(40, 1_000, 20_000, 50_000);
    for workers in workers {
        let case = Case::new("drain", "workers", *workers as usize);
        sweep(suite, case, *workers, tasks, Durability::Full)?;
    }
    if full {
        for backlog in BACKLOGS_FULL {
            let case = Case::new("drain", "backlog", backlog).with("workers", 10);
            sweep(suite, case, 10, backlog, Durability::Full)?;
        }
        let case = Case::variant("drain", "durability=normal").with("workers", 10);
        sweep(suite, case, 10, tasks, Durability::Normal)?;
    }
    Ok(())
}

fn sweep(
    suite: &mut Suite,
    case: Case,
    workers: u32,
    tasks: usize,
    durability: Durability,
) -> Result<()> {
    let load =
        Drain { workers: workers as usize, tasks, payload_bytes: PAYLOAD_BYTES, work: Work::None };
    let case = case
        .model(Model::Closed)
        .tasks(tasks)
        .with("tasks", tasks)
        .with("enqueue_batch", ENQUEUE_BATCH)
        .with("payload_bytes", PAYLOAD_BYTES)
        .with("handler", "no-op");
    let mut turns = Turns::default();
    suite.measure(case, move |stage| {
        let (drained, floor) = turns.both(
            || drain(&stage.with_durability(durability), &load),
            || bound::claim_and_complete(stage.kind(), stage.bench_dir(), tasks, PAYLOAD_BYTES),
        )?;
        Ok((drained.draining, round(stage, drained, floor, workers, tasks)?))
    })
}

fn round(
    stage: &Stage,
    drained: DrainRound,
    floor: Duration,
    workers: u32,
    tasks: usize,
) -> Result<Round> {
    let tasks_per_s = drained.tasks_per_s();
    let mut readings = vec![
        TASKS_PER_S.reads(tasks_per_s),
        RATIO_TO_FLOOR.reads(floor.as_secs_f64() / drained.draining.as_secs_f64()),
        EFFICIENCY_PER_WORKER.reads(tasks_per_s / as_f64(workers.into())),
        ENQUEUE_TASKS_PER_S.reads(drained.enqueued_per_s()),
        LOST.counts(drained.audit.lost),
        DUPLICATED.counts(drained.audit.duplicated),
    ];
    let written = drained.written.map(|written| written.per_task(drained.counted, drained.tasks));
    readings.extend(written.into_iter().flatten());
    Ok(Round { readings, faults: drained.faults, course: drained.course, ..Round::default() }
        .with_upper_bound(TASKS_PER_S, bound::name(stage.kind()), per_s(tasks, floor))
        .with_reference(TASKS_PER_S, "disk", disk::syncs_per_s(stage.bench_dir())?))
}
