//! How many tasks a second can a pool of 1, 5 and 10 workers complete when the handler costs
//! nothing? Each round loads a new database with a backlog and drains it.

use std::process::ExitCode;
use std::sync::Arc;

use prismq_bench::error::Result;
use prismq_bench::metrics::{
    DUPLICATED, EFFICIENCY_PER_WORKER, ENQUEUE_TASKS_PER_S, LOST, TASKS_PER_S, as_f64,
};
use prismq_bench::recorder::{Case, Round};
use prismq_bench::suite::{self, Suite};
use prismq_bench::workload::drain::{Drain, Drained, ENQUEUE_BATCH, drain};

const WORKERS: [u32; 3] = [1, 5, 10];

fn main() -> ExitCode {
    suite::main("throughput", |suite| {
        WORKERS.into_iter().try_for_each(|workers| sweep(suite, workers))
    })
}

fn sweep(suite: &mut Suite<'_>, workers: u32) -> Result<()> {
    let tasks = suite.stage().scale().pick(40, 1_000, 10_000, 50_000);
    let load = Drain { workers: workers as usize, tasks, work: Arc::new(|_| {}) };
    let case = Case::new("drain", "workers", load.workers)
        .with("tasks", tasks)
        .with("enqueue_batch", ENQUEUE_BATCH)
        .with("payload_bytes", 8)
        .with("handler", "no-op");
    suite.measure(case, |stage| {
        let drained = drain(stage, &load)?;
        Ok((drained.draining, round(drained, workers)))
    })
}

fn round(drained: Drained, workers: u32) -> Round {
    let tasks_per_s = drained.tasks_per_s();
    let readings = vec![
        TASKS_PER_S.reads(tasks_per_s),
        EFFICIENCY_PER_WORKER.reads(tasks_per_s / as_f64(workers.into())),
        ENQUEUE_TASKS_PER_S.reads(drained.enqueued_per_s()),
        LOST.counts(drained.audit.lost),
        DUPLICATED.counts(drained.audit.duplicated),
    ];
    Round { readings, histograms: Vec::new(), faults: drained.faults }
}
