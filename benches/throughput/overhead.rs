//! What measuring costs: the drain of ten workers with everything that is measured, and with nothing but how long it
//! takes, in turns. Which of the two goes first alternates, since the second may find what the first has warmed. The
//! lower half of each kind in a round are compared: anything else on the machine only adds to a time. The target is held
//! against processor times, which others and the disk change least. No commit waits for the disk.

use std::time::Duration;

use prismq_bench::base::error::Result;
use prismq_bench::load::tasks::PAYLOAD_BYTES;
use prismq_bench::observe::metrics::{OVERHEAD_PERCENT, PROCESSOR_OVERHEAD_PERCENT};
use prismq_bench::observe::round::Round;
use prismq_bench::run::record::case::Case;
use prismq_bench::run::suite::Suite;
use prismq_bench::scenario::drain::overhead::{Took, bare_drain};
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
        let more = |of: fn(&Took) -> Duration| {
            let [measured, bare] = [&measured, &bare].map(|drains| lower_half(drains, of));
            100.0 * (measured.div_duration_f64(bare) - 1.0)
        };
        let readings = vec![
            OVERHEAD_PERCENT.reads(more(|took| took.time)),
            PROCESSOR_OVERHEAD_PERCENT.reads(more(|took| took.processor)),
        ];
        let followed = lower_half(&measured, |took| took.time);
        Ok((followed, Round { readings, faults, ..Round::default() }))
    })
}

/// The mean of the lower half.
fn lower_half(drains: &[Took], of: fn(&Took) -> Duration) -> Duration {
    let mut times: Vec<Duration> = drains.iter().map(of).collect();
    times.sort_unstable();
    times.truncate(times.len().div_ceil(2));
    times.iter().sum::<Duration>() / u32::try_from(times.len().max(1)).unwrap_or(u32::MAX)
}

fn instrumented(stage: &Stage, load: &Drain, faults: &mut Vec<String>) -> Result<Took> {
    let drained = drain(stage, load)?;
    faults.extend(drained.faults);
    Ok(Took { time: drained.draining, processor: drained.processor })
}
