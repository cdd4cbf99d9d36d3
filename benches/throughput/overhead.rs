//! What measuring costs: the drain of ten workers with everything that is measured, and with nothing but
//! its length, in turns. Which of the two goes first alternates, since the second may find what the first
//! has warmed. Processor times are compared, which a busy disk or another program hardly changes, and of these the lower
//! half of each kind in a round. No commit waits for the disk.

use std::time::Duration;

use prismq_bench::base::error::Result;
use prismq_bench::load::tasks::PAYLOAD_BYTES;
use prismq_bench::observe::metrics::OVERHEAD_PERCENT;
use prismq_bench::observe::round::Round;
use prismq_bench::run::record::case::Case;
use prismq_bench::run::suite::Suite;
use prismq_bench::scenario::drain::overhead::bare_drain;
use prismq_bench::scenario::drain::{Drain, ENQUEUE_BATCH, drain};
use prismq_bench::scenario::stage::Stage;
use prismq_bench::subject::{Durability, Work};
use prismq_record::Model;

const WORKERS: usize = 10;

pub(crate) fn measure(suite: &mut Suite) -> Result<()> {
    let tasks = suite.stage().scale().pick(40, 500, 3_000, 10_000);
    let turns = suite.stage().scale().pick(2, 2, 6, 24);
    let load = Drain { workers: WORKERS, tasks, payload_bytes: PAYLOAD_BYTES, work: Work::None };
    let case = Case::new("overhead", "workers", WORKERS)
        .model(Model::Closed)
        .tasks(tasks)
        .with("tasks", tasks)
        .with("turns", turns)
        .with("enqueue_batch", ENQUEUE_BATCH)
        .with("payload_bytes", PAYLOAD_BYTES)
        .with("compared", "processor time")
        .with("durability", "normal")
        .with("handler", "no-op");
    suite.measure(case, move |stage| {
        let stage = &stage.with_durability(Durability::Normal);
        let (mut measured, mut bare, mut faults) = (Vec::new(), Vec::new(), Vec::new());
        for turn in 0..turns {
            if turn % 2 == 0 {
                bare.push(bare_drain(stage, &load)?);
            }
            measured.push(instrumented(stage, &load, &mut faults)?);
            if turn % 2 == 1 {
                bare.push(bare_drain(stage, &load)?);
            }
        }
        let (used, bare) = (lower_half(measured), lower_half(bare));
        let more = OVERHEAD_PERCENT.reads(100.0 * (used.div_duration_f64(bare) - 1.0));
        Ok((used, Round { readings: vec![more], faults, ..Round::default() }))
    })
}

/// The mean of the lower half.
fn lower_half(mut times: Vec<Duration>) -> Duration {
    times.sort_unstable();
    times.truncate(times.len().div_ceil(2));
    times.iter().sum::<Duration>() / u32::try_from(times.len().max(1)).unwrap_or(u32::MAX)
}

fn instrumented(stage: &Stage, load: &Drain, faults: &mut Vec<String>) -> Result<Duration> {
    let drained = drain(stage, load)?;
    faults.extend(drained.faults);
    Ok(drained.processor)
}
