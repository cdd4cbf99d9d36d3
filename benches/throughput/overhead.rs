//! What measuring costs: the drain of ten workers with everything that is measured, and with nothing but
//! its length, in turns. Which of the two goes first alternates, since the second may find what the first
//! has warmed. Many short turns rather than few long ones: what else happens on the machine then meets
//! both of a turn or is outvoted by the other turns.

use std::sync::Arc;
use std::time::Duration;

use prismq_bench::error::Result;
use prismq_bench::metrics::{OVERHEAD_PERCENT, median};
use prismq_bench::recorder::{Case, Round};
use prismq_bench::stage::Stage;
use prismq_bench::suite::Suite;
use prismq_bench::workload::PAYLOAD_BYTES;
use prismq_bench::workload::drain::{Drain, ENQUEUE_BATCH, drain};
use prismq_bench::workload::overhead::bare_drain;
use prismq_report::record::Model;

const WORKERS: usize = 10;

pub(crate) fn measure(suite: &mut Suite<'_>) -> Result<()> {
    let tasks = suite.stage().scale().pick(40, 1_000, 5_000, 10_000);
    let turns = suite.stage().scale().pick(2, 2, 8, 24);
    let load =
        Drain { workers: WORKERS, tasks, payload_bytes: PAYLOAD_BYTES, work: Arc::new(|_| {}) };
    let case = Case::new("overhead", "workers", WORKERS)
        .model(Model::Closed)
        .with("tasks", tasks)
        .with("turns", turns)
        .with("enqueue_batch", ENQUEUE_BATCH)
        .with("payload_bytes", PAYLOAD_BYTES)
        .with("handler", "no-op");
    suite.measure(case, |stage| {
        let (mut times, mut ratios, mut faults) = (Vec::new(), Vec::new(), Vec::new());
        for turn in 0..turns {
            let (measured, bare) = if turn % 2 == 0 {
                let bare = bare_drain(stage, &load)?;
                (instrumented(stage, &load, &mut faults)?, bare)
            } else {
                (instrumented(stage, &load, &mut faults)?, bare_drain(stage, &load)?)
            };
            times.push(measured.as_secs_f64());
            ratios.push(measured.div_duration_f64(bare));
        }
        let longer = median(&ratios).map(|ratio| OVERHEAD_PERCENT.reads(100.0 * (ratio - 1.0)));
        let readings = longer.into_iter().collect();
        let time = Duration::from_secs_f64(median(&times).unwrap_or_default());
        Ok((time, Round { readings, faults, ..Round::default() }))
    })
}

fn instrumented(stage: &Stage, load: &Drain, faults: &mut Vec<String>) -> Result<Duration> {
    let drained = drain(stage, load)?;
    faults.extend(drained.faults);
    Ok(drained.draining)
}
