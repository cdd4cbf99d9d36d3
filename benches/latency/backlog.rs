//! A backlog piles up while no pool runs, and is then drained while more arrive at half of what can
//! be sustained.

use std::time::Duration;

use prismq_bench::base::error::Result;
use prismq_bench::load::arrivals::ArrivalProcess;
use prismq_bench::load::tasks::PAYLOAD_BYTES;
use prismq_bench::observe::metrics::{
    DRAIN_S, DRAINED_TASKS_PER_S, DUPLICATED, LOST, OFFERED_TASKS_PER_S, P50_MS, P99_AFTERWARDS_MS,
    P99_MS, SAMPLES,
};
use prismq_bench::observe::round::Round;
use prismq_bench::reference::{bound, disk, per_s};
use prismq_bench::run::record::case::Case;
use prismq_bench::run::suite::Suite;
use prismq_bench::scenario::drain::ENQUEUE_BATCH;
use prismq_bench::scenario::open::saturation::tasks_in;
use prismq_bench::scenario::open::surge::{Surge, SurgeRound, surge};
use prismq_bench::scenario::stage::Stage;
use prismq_record::Model;

use crate::capacity::{CALLERS, Capacity, WORKERS};
use crate::open::share;
use crate::readings::ms;
use prismq_bench::subject::Work;

const LOAD_PERCENT: usize = 50;

pub(crate) fn measure(suite: &mut Suite, capacity: &Capacity) -> Result<()> {
    let backlog = suite.stage().scale().pick(50, 2_000, 20_000, 200_000);
    let arriving_ms = suite.stage().scale().pick(5, 150, 1_000, 5_000);
    let case = Case::new("backlog", "load", LOAD_PERCENT)
        .model(Model::Backlog)
        .claims("end_to_end", 0.99)
        .with("backlog", backlog)
        .with("enqueue_batch", ENQUEUE_BATCH)
        .with("arriving_ms", arriving_ms)
        .with("callers", CALLERS)
        .with("workers", WORKERS)
        .with("payload_bytes", PAYLOAD_BYTES)
        .with("arrivals", ArrivalProcess::Constant.name())
        .with("handler", "no-op")
        .overload(!suite.stage().scale().measures_rates());
    let capacity = capacity.clone();
    suite.measure(case, move |stage| {
        let rate = capacity.rates(stage)?.sustainable * share(LOAD_PERCENT);
        let interval = Duration::from_secs_f64(1.0 / rate);
        let subsided = surge(
            stage,
            &Surge {
                backlog,
                workers: WORKERS,
                generators: CALLERS,
                arriving: tasks_in(Duration::from_millis(arriving_ms), interval),
                interval,
                arrivals: ArrivalProcess::Constant,
                work: Work::None,
            },
        )?;
        let draining = subsided.draining;
        Ok((draining, round(stage, subsided, rate, backlog)?))
    })
}

fn round(stage: &Stage, subsided: SurgeRound, rate: f64, backlog: usize) -> Result<Round> {
    let dir = stage.bench_dir();
    let floor =
        per_s(backlog, bound::claim_and_complete(stage.kind(), dir, backlog, PAYLOAD_BYTES)?);
    let p99 = |histogram: &hdrhistogram::Histogram<u64>| ms(histogram.value_at_quantile(0.99));
    let end_to_end = &subsided.latencies.end_to_end;
    let mut readings = vec![
        DRAINED_TASKS_PER_S.reads(subsided.drained_per_s()),
        DRAIN_S.reads(subsided.draining.as_secs_f64()),
        OFFERED_TASKS_PER_S.reads(rate),
        P50_MS.reads(ms(end_to_end.value_at_quantile(0.5))),
        P99_MS.reads(p99(end_to_end)),
        SAMPLES.counts(end_to_end.len()),
        LOST.counts(subsided.audit.lost),
        DUPLICATED.counts(subsided.audit.duplicated),
    ];
    if !subsided.afterwards.is_empty() {
        readings.push(P99_AFTERWARDS_MS.reads(p99(&subsided.afterwards)));
    }
    let mut histograms = subsided.latencies.named();
    histograms.push(("end_to_end_afterwards", subsided.afterwards));
    let round = Round {
        readings,
        histograms,
        faults: subsided.faults,
        achieved: Some(subsided.achieved),
        course: subsided.course,
        ..Round::default()
    };
    Ok(round
        .with_upper_bound(DRAINED_TASKS_PER_S, bound::name(stage.kind()), floor)
        .with_reference(DRAINED_TASKS_PER_S, "disk", disk::syncs_per_s(dir)?))
}
