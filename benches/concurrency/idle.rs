//! Ten workers without work.

use std::time::Duration;

use prismq_bench::base::error::Result;
use prismq_bench::observe::metrics::{CPU_PERCENT, WRITE_TRANSACTIONS};
use prismq_bench::observe::round::Round;
use prismq_bench::run::record::case::Case;
use prismq_bench::run::rounds::experiment::Experiment;
use prismq_bench::run::suite::Suite;
use prismq_bench::scenario::idle::idle;
use prismq_record::Model;

const WORKERS: usize = 10;
/// A new file's first look for what is kept too long comes a second after it was opened.
const SETTLING_MS: u64 = 1_500;

pub(crate) fn measure(suite: &mut Suite) -> Result<()> {
    let watched_ms = suite.stage().scale().pick(10, 50, 500, 5_000);
    let settling_ms = suite.stage().scale().pick(10, 50, SETTLING_MS, SETTLING_MS);
    let case = Case::new("idle", "workers", WORKERS)
        .model(Model::Probe)
        .with("settling_ms", settling_ms)
        .with("watched_ms", watched_ms);
    let experiment = Experiment::new(case, move |stage| {
        let [settling, watched] = [settling_ms, watched_ms].map(Duration::from_millis);
        let idled = idle(stage, WORKERS, settling, watched)?;
        let share = idled.processor.as_secs_f64() / idled.watched.as_secs_f64();
        let readings = vec![
            CPU_PERCENT.reads(100.0 * share),
            WRITE_TRANSACTIONS.counts(idled.counted.write_transactions),
        ];
        // Criterion follows what was used: the time that was watched says nothing.
        let used = idled.processor.max(Duration::from_nanos(1));
        Ok((used, Round { readings, faults: idled.faults, ..Round::default() }))
    });
    suite.add(experiment.warmed_up())
}
