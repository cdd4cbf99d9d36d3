//! 500 asynchronous handlers that wait 10 ms each, and 64 futures that enqueue: against as many threads.

use std::time::Duration;

use prismq_bench::base::error::Result;
use prismq_bench::base::number::as_f64;
use prismq_bench::load::service_time::efficiency_percent;
use prismq_bench::load::tasks::PAYLOAD_BYTES;
use prismq_bench::observe::metrics::{
    EFFICIENCY_PERCENT, ENQUEUE_TASKS_PER_S, RATIO_TO_THREADS, TASKS_PER_S,
};
use prismq_bench::observe::round::Round;
use prismq_bench::reference::Turns;
use prismq_bench::run::record::case::Case;
use prismq_bench::run::rounds::experiment::Experiment;
use prismq_bench::run::suite::Suite;
use prismq_bench::scenario::asynchronous::{By, enqueue, wait};
use prismq_bench::subject::Capability;
use prismq_record::Model;

const HANDLERS: usize = 500;
const HANDLER_TIME: Duration = Duration::from_millis(10);
const CALLERS: usize = 64;

pub(crate) fn measure(suite: &mut Suite) -> Result<()> {
    if !suite.offers(Capability::PrismqInterface, "asynchronous handlers and callers") {
        return Ok(());
    }
    handlers(suite)?;
    callers(suite)
}

fn handlers(suite: &mut Suite) -> Result<()> {
    let tasks = suite.stage().scale().pick(HANDLERS * 3, HANDLERS * 3, 10_000, 100_000);
    let case = Case::new("async", "handlers", HANDLERS)
        .model(Model::Closed)
        .tasks(tasks)
        .with("tasks", tasks)
        .with("handler_us", HANDLER_TIME.as_micros() as usize)
        .with("payload_bytes", PAYLOAD_BYTES);
    let mut turns = Turns::default();
    let experiment = Experiment::new(case, move |stage| {
        let of = |by| wait(stage, by, HANDLERS, tasks, HANDLER_TIME);
        let (futures, threads) = turns.both(|| of(By::Futures), || of(By::Threads))?;
        let rate = |took: Duration| as_f64(tasks as u64) / took.as_secs_f64();
        let threads_rate = rate(threads.took);
        let mut readings = vec![
            TASKS_PER_S.reads(rate(futures.took)),
            RATIO_TO_THREADS.reads(rate(futures.took) / threads_rate),
        ];
        let efficiency = efficiency_percent(&futures.runs, HANDLERS, HANDLERS);
        readings.extend(efficiency.map(|percent| EFFICIENCY_PERCENT.reads(percent)));
        let round = Round { readings, ..Round::default() };
        Ok((futures.took, round.with_reference(TASKS_PER_S, "threads", threads_rate)))
    });
    suite.add(experiment.warmed_up())
}

fn callers(suite: &mut Suite) -> Result<()> {
    let tasks = suite.stage().scale().pick(CALLERS * 2, CALLERS * 20, 10_000, 60_000);
    let case = Case::new("async", "enqueue_callers", CALLERS)
        .model(Model::Closed)
        .tasks(tasks)
        .with("tasks", tasks)
        .with("payload_bytes", PAYLOAD_BYTES);
    let mut turns = Turns::default();
    suite.measure(case, move |stage| {
        let of = |by| enqueue(stage, by, CALLERS, tasks);
        let (futures, threads) = turns.both(|| of(By::Futures), || of(By::Threads))?;
        let rate = |took: Duration| as_f64(tasks as u64) / took.as_secs_f64();
        let readings = vec![
            ENQUEUE_TASKS_PER_S.reads(rate(futures)),
            RATIO_TO_THREADS.reads(rate(futures) / rate(threads)),
        ];
        let round = Round { readings, ..Round::default() };
        Ok((futures, round.with_reference(ENQUEUE_TASKS_PER_S, "threads", rate(threads))))
    })
}
