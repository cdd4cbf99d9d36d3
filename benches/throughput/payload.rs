//! What large payloads cost: a drain with them, and the same drain with small ones in the same round.

use prismq_bench::base::error::Result;
use prismq_bench::base::profile::{Profile, Scale};
use prismq_bench::load::tasks::PAYLOAD_BYTES;
use prismq_bench::observe::metrics::{
    DUPLICATED, LOST, RATIO_TO_FLOOR, RATIO_TO_PAYLOAD_100, TASKS_PER_S,
};
use prismq_bench::observe::round::Round;
use prismq_bench::reference::{Turns, bound, disk, per_s};
use prismq_bench::run::record::case::Case;
use prismq_bench::run::suite::Suite;
use prismq_bench::scenario::drain::{Drain, ENQUEUE_BATCH, drain};
use prismq_bench::subject::Work;
use prismq_record::Model;

const WORKERS: usize = 10;
/// What a backlog may take on the disk.
const FILE_BYTES_MAX: usize = 512 << 20;
const PAYLOADS: &[usize] = &[16 * 1024];
const PAYLOADS_FULL: &[usize] = &[100, 1024, 16 * 1024, 256 * 1024];

pub(crate) fn measure(suite: &mut Suite) -> Result<()> {
    let full = suite.stage().scale() == Scale::Profile(Profile::Full);
    let payloads = if full { PAYLOADS_FULL } else { PAYLOADS };
    for payload_bytes in payloads {
        // Enough that the pool's pace counts, not its start, as far as the disk holds them.
        let most = FILE_BYTES_MAX / payload_bytes;
        let tasks = suite.stage().scale().pick(20, 200, 5_000, 10_000).min(most);
        let small =
            Drain { workers: WORKERS, tasks, payload_bytes: PAYLOAD_BYTES, work: Work::None };
        let payload_bytes = *payload_bytes;
        let large = Drain { payload_bytes, ..small.clone() };
        let case = Case::new("drain", "payload", payload_bytes)
            .model(Model::Closed)
            .with("workers", WORKERS)
            .tasks(tasks)
            .with("tasks", tasks)
            .with("enqueue_batch", ENQUEUE_BATCH)
            .with("handler", "no-op");
        let mut turns = Turns::default();
        suite.measure(case, move |stage| {
            let (large, floor) = turns.both(
                || drain(stage, &large),
                || bound::claim_and_complete(stage.kind(), stage.bench_dir(), tasks, payload_bytes),
            )?;
            let small = drain(stage, &small)?;
            let readings = vec![
                TASKS_PER_S.reads(large.tasks_per_s()),
                RATIO_TO_FLOOR.reads(floor.as_secs_f64() / large.draining.as_secs_f64()),
                RATIO_TO_PAYLOAD_100.reads(large.tasks_per_s() / small.tasks_per_s()),
                LOST.counts(large.audit.lost + small.audit.lost),
                DUPLICATED.counts(large.audit.duplicated + small.audit.duplicated),
            ];
            let faults = [large.faults, small.faults].concat();
            let round = Round { readings, faults, course: large.course, ..Round::default() }
                .with_upper_bound(TASKS_PER_S, bound::name(stage.kind()), per_s(tasks, floor))
                .with_reference(TASKS_PER_S, "disk", disk::syncs_per_s(stage.bench_dir())?);
            Ok((large.draining, round))
        })?;
    }
    Ok(())
}
