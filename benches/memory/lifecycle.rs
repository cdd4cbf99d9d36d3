//! Does the queue keep memory it should give back? Whole life cycles of queue and pool, and ten
//! workers at once, with the resident memory read before, during and after.
//!
//! What is recorded spans all rounds, the first one included: memory that is only ever taken once
//! counts as growth, and the slope distinguishes it from memory that is taken again and again.

use std::cell::RefCell;
use std::rc::Rc;
use std::time::Instant;

use prismq_bench::base::error::Result;
use prismq_bench::load::tasks::PAYLOAD_BYTES;
use prismq_bench::observe::round::Round;
use prismq_bench::observe::rss::{PeakWatch, Trend};
use prismq_bench::run::record::case::Case;
use prismq_bench::run::rounds::experiment::Experiment;
use prismq_bench::run::suite::Suite;
use prismq_bench::scenario::drain::{Drain, ENQUEUE_BATCH, drain};
use prismq_bench::subject::Work;
use prismq_record::Model;

const CYCLES: usize = 5;
const CONCURRENT_WORKERS: usize = 10;
/// Each handler builds a list of this many numbers, as the original suite's did.
const NUMBERS: u64 = 10_000;

pub(crate) fn measure(suite: &mut Suite) -> Result<()> {
    let scale = suite.stage().scale();
    let tasks = scale.pick(10, 50, 100, 1_000);
    let case = Case::new("lifecycle", "cycles", CYCLES).with("workers", 1);
    watch(suite, case, CYCLES, 1, tasks)?;
    let tasks = scale.pick(20, 100, 500, 5_000);
    let case = Case::new("concurrent", "workers", CONCURRENT_WORKERS);
    watch(suite, case, 1, CONCURRENT_WORKERS, tasks)
}

/// A round is some cycles of open, load, drain, shut down and close.
fn watch(suite: &mut Suite, case: Case, cycles: usize, workers: usize, tasks: usize) -> Result<()> {
    let case = case
        .model(Model::Closed)
        .with("tasks_per_cycle", tasks)
        .with("enqueue_batch", ENQUEUE_BATCH)
        .with("payload_bytes", PAYLOAD_BYTES)
        .with("handler", "builds a list of 10000 numbers");
    let load = Drain { workers, tasks, payload_bytes: PAYLOAD_BYTES, work: Work::List(NUMBERS) };
    let trend: Rc<RefCell<Option<Trend>>> = Rc::default();
    let found = trend.clone();
    let experiment = Experiment::new(case, move |stage| {
        let mut trend = trend.borrow_mut();
        let first = trend.is_none();
        let trend = trend.get_or_insert_with(Trend::begin);
        let watch = PeakWatch::start()?;
        let started = Instant::now();
        let mut faults = Vec::new();
        for _ in 0..cycles {
            faults.extend(drain(stage, &load)?.faults);
            trend.read(tasks);
        }
        let took = started.elapsed();
        trend.peak(watch.stop());
        if first {
            trend.warmed_up();
        }
        Ok((took, Round { faults, ..Round::default() }))
    });
    suite.add(
        experiment
            .in_one_piece()
            .figures(move |_| found.borrow().as_ref().map(Trend::metrics).unwrap_or_default()),
    )
}
