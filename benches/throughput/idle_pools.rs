//! On a server: what do pools of other processes that wait for tasks of another type take from callers that enqueue? They
//! are notified of new tasks, and look for their own.

use std::time::Duration;

use prismq_bench::base::error::Result;
use prismq_bench::load::tasks::PAYLOAD_BYTES;
use prismq_bench::observe::metrics::{BUSY_ERRORS, ENQUEUE_TASKS_PER_S, RATIO_TO_ALONE};
use prismq_bench::observe::round::Round;
use prismq_bench::reference::Turns;
use prismq_bench::run::record::case::Case;
use prismq_bench::run::suite::Suite;
use prismq_bench::scenario::enqueue::Enqueue;
use prismq_bench::scenario::idle_pools::enqueue_with_idle_pools;
use prismq_record::Model;

const POOLS: usize = 4;
/// Callers, with their tasks in the standard profile.
const CALLERS: [(usize, usize); 2] = [(1, 2_000), (10, 10_000)];

pub(crate) fn measure(suite: &mut Suite) -> Result<()> {
    CALLERS.into_iter().try_for_each(|(callers, tasks)| enqueued(suite, callers, tasks))
}

fn enqueued(suite: &mut Suite, callers: usize, tasks: usize) -> Result<()> {
    let scale = suite.stage().scale();
    let tasks = scale.pick(callers * 2, tasks / 4, tasks, tasks * 4);
    let settling_ms = scale.pick(10, 200, 200, 200);
    let load = Enqueue { callers, tasks };
    let case = Case::new("server_enqueue", "callers", callers)
        .and("idle_pools", POOLS)
        .model(Model::Closed)
        .tasks(tasks)
        .with("tasks", tasks)
        .with("payload_bytes", PAYLOAD_BYTES)
        .with("settling_ms", settling_ms);
    let settling = Duration::from_millis(settling_ms);
    let mut turns = Turns::default();
    suite.measure(case, move |stage| {
        let (enqueued, alone) = turns.both(
            || enqueue_with_idle_pools(stage, load, POOLS, settling),
            || enqueue_with_idle_pools(stage, load, 0, settling),
        )?;
        let readings = vec![
            ENQUEUE_TASKS_PER_S.reads(enqueued.per_s()),
            RATIO_TO_ALONE.reads(enqueued.per_s() / alone.per_s()),
            BUSY_ERRORS.counts(enqueued.counted.busy_errors),
        ];
        let rate_alone = alone.per_s();
        let round = Round {
            readings,
            histograms: vec![("publish", enqueued.publish)],
            faults: enqueued.faults.into_iter().chain(alone.faults).collect(),
            course: enqueued.course,
            ..Round::default()
        };
        Ok((enqueued.took, round.with_reference(ENQUEUE_TASKS_PER_S, "alone", rate_alone)))
    })
}
