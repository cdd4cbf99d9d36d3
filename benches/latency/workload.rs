//! The workload a user brings along in a file that `PRISMQ_WORKLOAD` names.

use std::time::Duration;

use prismq_bench::base::error::Result;
use prismq_bench::load::plan::{Settings, Workload, load};
use prismq_bench::observe::metrics::{
    BUSY_ERRORS, DEAD, DUPLICATED, LOST, MAX_MS, P50_MS, P95_MS, P99_MS, P99_UNCORRECTED_MS,
    RETRIED, SAMPLES, SCHEDULE_LAG_P99_MS, TASKS_PER_S, WAIT_P99_MS,
};
use prismq_bench::observe::round::Round;
use prismq_bench::run::record::case::Case;
use prismq_bench::run::settings;
use prismq_bench::run::suite::Suite;
use prismq_bench::scenario::workload::{Done, perform};
use prismq_record::Model;

use crate::readings::ms;

/// Does nothing where no file is named.
pub(crate) fn measure(suite: &mut Suite) -> Result<()> {
    let Some(path) = settings::workload() else { return Ok(()) };
    let mut workload = load(&path)?;
    let trial = suite.is_trial();
    if trial {
        workload.schedule = workload.schedule.for_trial();
    }
    // How fast a trial is says nothing.
    suite.measure(case(&workload).overload(trial), move |stage| {
        let done = perform(stage, &workload.settings, &workload.schedule)?;
        let (p99, mut round) = round(&done)?;
        round.achieved = done.offered;
        Ok((p99, round))
    })
}

fn case(workload: &Workload) -> Case {
    let Settings { name, seed, callers, workers, durability, order } = &workload.settings;
    let model = if workload.schedule.open { Model::Open } else { Model::Closed };
    Case::variant("workload", name)
        .model(model)
        .seed(*seed)
        .with("file_hash", workload.hash.as_str())
        .with("tasks", workload.schedule.tasks.len())
        .with("arrivals", if workload.schedule.open { "planned" } else { "closed" })
        .with("callers", *callers)
        .with("workers", *workers)
        .with("durability", format!("{durability:?}"))
        .with("order", format!("{order:?}"))
}

/// Criterion follows the 99th percentile of the latency.
fn round(done: &Done) -> Result<(Duration, Round)> {
    let histograms = done.distributions()?;
    let quantile = |name: &str, quantile: f64| {
        let found = histograms.iter().find(|(other, _)| *other == name);
        found.map_or(0, |(_, histogram)| histogram.value_at_quantile(quantile))
    };
    let p99 = quantile("end_to_end", 0.99);
    let samples = done.tasks.iter().filter(|task| task.completed.is_some()).count();
    let readings = vec![
        P50_MS.reads(ms(quantile("end_to_end", 0.50))),
        P95_MS.reads(ms(quantile("end_to_end", 0.95))),
        P99_MS.reads(ms(p99)),
        MAX_MS.reads(ms(quantile("end_to_end", 1.0))),
        P99_UNCORRECTED_MS.reads(ms(quantile("end_to_end_uncorrected", 0.99))),
        WAIT_P99_MS.reads(ms(quantile("wait", 0.99))),
        SCHEDULE_LAG_P99_MS.reads(ms(quantile("schedule_lag", 0.99))),
        SAMPLES.counts(u64::try_from(samples).unwrap_or(u64::MAX)),
        TASKS_PER_S.reads(done.tasks_per_s()),
        RETRIED.counts(done.retried),
        DEAD.counts(done.dead),
        BUSY_ERRORS.counts(done.busy_errors),
        LOST.counts(done.audit.lost),
        DUPLICATED.counts(done.audit.duplicated),
    ];
    let faults = done.faults.clone();
    Ok((Duration::from_nanos(p99), Round { readings, histograms, faults, ..Round::default() }))
}
