//! Four producers and ten workers at once.

use prismq_bench::base::error::Result;
use prismq_bench::load::tasks::PAYLOAD_BYTES;
use prismq_bench::observe::metrics::{DUPLICATED, LOST, RATIO_TO_FLOOR, TASKS_PER_S};
use prismq_bench::observe::round::Round;
use prismq_bench::reference::{Turns, bound, disk, per_s};
use prismq_bench::run::record::case::Case;
use prismq_bench::run::suite::Suite;
use prismq_bench::scenario::drain::ENQUEUE_BATCH;
use prismq_bench::scenario::drain::pipeline::{Pipeline, pipeline};
use prismq_bench::subject::Work;
use prismq_record::Model;

const PRODUCERS: usize = 4;
const WORKERS: usize = 10;

pub(crate) fn measure(suite: &mut Suite) -> Result<()> {
    let tasks = suite.stage().scale().pick(40, 2_000, 20_000, 50_000);
    let load = Pipeline {
        producers: PRODUCERS,
        workers: WORKERS,
        tasks,
        batch: ENQUEUE_BATCH,
        work: Work::None,
    };
    let case = Case::new("pipeline", "producers", PRODUCERS)
        .and("workers", WORKERS)
        .model(Model::Closed)
        .tasks(tasks)
        .with("tasks", tasks)
        .with("enqueue_batch", ENQUEUE_BATCH)
        .with("payload_bytes", PAYLOAD_BYTES)
        .with("handler", "no-op");
    let mut turns = Turns::default();
    suite.measure(case, move |stage| {
        let (through, floor) = turns.both(
            || pipeline(stage, &load),
            || bound::life(stage.kind(), stage.bench_dir(), tasks, PAYLOAD_BYTES),
        )?;
        let readings = vec![
            TASKS_PER_S.reads(through.tasks_per_s()),
            RATIO_TO_FLOOR.reads(floor.as_secs_f64() / through.draining.as_secs_f64()),
            LOST.counts(through.audit.lost),
            DUPLICATED.counts(through.audit.duplicated),
        ];
        let round =
            Round { readings, faults: through.faults, course: through.course, ..Round::default() }
                .with_upper_bound(TASKS_PER_S, bound::name(stage.kind()), per_s(tasks, floor))
                .with_reference(TASKS_PER_S, "disk", disk::syncs_per_s(stage.bench_dir())?);
        Ok((through.draining, round))
    })
}
