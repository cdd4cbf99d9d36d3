//! At shares of the rate that can be sustained, a little beyond it included: how long do tasks take that
//! arrive at a constant rate, and at half of it at random?

use std::time::Duration;

use prismq_bench::base::error::Result;
use prismq_bench::load::arrivals::ArrivalProcess;
use prismq_bench::load::tasks::PAYLOAD_BYTES;
use prismq_bench::observe::metrics::{
    MAXIMUM_TASKS_PER_S, OFFERED_TASKS_PER_S, P99_RATIO_TO_SYNC, SUSTAINABLE_TASKS_PER_S,
};
use prismq_bench::reference::disk;
use prismq_bench::run::record::case::Case;
use prismq_bench::run::rounds::experiment::Experiment;
use prismq_bench::run::suite::Suite;
use prismq_bench::scenario::open::saturation::{SETTLE_PERCENT, WARM_UP_PERCENT, at_rate};
use prismq_bench::scenario::open::{OpenLoop, open_loop};
use prismq_record::Model;

use crate::capacity::{CALLERS, Capacity, WORKERS, load};
use crate::readings::{ms, round};

/// The load that has a goal, and that arrives at random too.
const HALF: usize = 50;
const LOADS_SMOKE: &[usize] = &[HALF, 90];
const LOADS: &[usize] = &[HALF, 75, 90, 100];
const LOADS_FULL: &[usize] = &[10, 25, HALF, 75, 90, 95, 100, 105];
const SEED: u64 = 0x7072_6973_6d71;

pub(crate) fn measure(suite: &mut Suite, capacity: &Capacity) -> Result<()> {
    for percent in suite.stage().scale().pick(LOADS, LOADS_SMOKE, LOADS, LOADS_FULL) {
        at_load(suite, capacity, "open", *percent, ArrivalProcess::Constant)?;
    }
    at_load(suite, capacity, "poisson", HALF, ArrivalProcess::Poisson { seed: SEED })
}

/// How long a load is measured in each round.
fn measured(suite: &Suite, percent: usize, arrivals: ArrivalProcess) -> Duration {
    let scale = suite.stage().scale();
    Duration::from_millis(match (percent, arrivals) {
        // With its seven rounds, a smoke run has the samples of a p99 from 430 tasks/s on.
        (HALF, ArrivalProcess::Constant) => scale.pick(5, 200, 1_000, 6_000),
        _ => scale.pick(5, 150, 1_000, 3_000),
    })
}

fn at_load(
    suite: &mut Suite,
    capacity: &Capacity,
    scenario: &'static str,
    percent: usize,
    arrivals: ArrivalProcess,
) -> Result<()> {
    let measured = measured(suite, percent, arrivals);
    let mut case = Case::new(scenario, "load", percent)
        .model(Model::Open)
        .claims("end_to_end", 0.99)
        .with("callers", CALLERS)
        .with("workers", WORKERS)
        .with("measured_ms", u64::try_from(measured.as_millis()).unwrap_or(u64::MAX))
        .with("warm_up_percent", WARM_UP_PERCENT)
        .with("settle_percent", SETTLE_PERCENT)
        .with("payload_bytes", PAYLOAD_BYTES)
        .with("arrivals", arrivals.name())
        .with("handler", "no-op")
        // Near the limit every stall of the disk holds callers up; a short load is hardly a rate.
        .overload(percent > HALF || !suite.stage().scale().measures_rates());
    if let ArrivalProcess::Poisson { seed } = arrivals {
        case = case.seed(seed);
    }
    let syncs = suite.stage().scale().pick(5, 100, 300, 300);
    let capacity = capacity.clone();
    let mut index = 0;
    let experiment = Experiment::new(case, move |stage| {
        let rates = capacity.rates(stage)?;
        let rate = rates.sustainable * share(percent);
        let arrivals = arrivals.of_round(index);
        index += 1;
        let load = OpenLoop { arrivals, ..load() };
        let offered = open_loop(stage, &at_rate(&load, rate, measured))?;
        let mut round = round(&offered);
        // A round of a smoke run is shorter than a stall of the disk.
        round.steady = round.steady.filter(|_| stage.scale().measures_rates());
        round.readings.push(SUSTAINABLE_TASKS_PER_S.given().reads(rates.sustainable));
        round.readings.push(MAXIMUM_TASKS_PER_S.reads(rates.closed));
        round.readings.push(OFFERED_TASKS_PER_S.reads(rate));
        let p99 = offered.latencies.end_to_end.value_at_quantile(0.99);
        let sync = disk::distribution(stage.bench_dir(), syncs)?;
        let ratio = ms(p99) / ms(sync.value_at_quantile(0.99).max(1));
        round.readings.push(P99_RATIO_TO_SYNC.reads(ratio));
        round.histograms.push(("sync", sync));
        Ok((Duration::from_nanos(p99), round))
    });
    suite.add(experiment.warmed_up())
}

#[expect(clippy::cast_precision_loss, reason = "a small number of percent")]
pub(crate) fn share(percent: usize) -> f64 {
    percent as f64 / 100.0
}
