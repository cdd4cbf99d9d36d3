//! At rates that are the same on every machine and of every version: how long do tasks take? A share of what
//! a subject sustains is an easier test of a slower one; these are for comparison. A rate that is not sustained
//! has no latency, and says so.

use std::time::Duration;

use prismq_bench::base::error::Result;
use prismq_bench::base::number::as_f64;
use prismq_bench::load::arrivals::ArrivalProcess;
use prismq_bench::load::tasks::PAYLOAD_BYTES;
use prismq_bench::observe::metrics::{OFFERED_TASKS_PER_S, P50_MS, P99_MS};
use prismq_bench::observe::round::Round;
use prismq_bench::run::record::case::Case;
use prismq_bench::run::rounds::experiment::Experiment;
use prismq_bench::run::suite::Suite;
use prismq_bench::scenario::open::open_loop;
use prismq_bench::scenario::open::saturation::{SETTLE_PERCENT, WARM_UP_PERCENT, at_rate};
use prismq_record::Model;

use crate::capacity::{CALLERS, Capacity, WORKERS, load};
use crate::readings::round;

/// Tasks a second.
const RATES: &[u32] = &[1_000, 2_000, 5_000, 10_000, 20_000];
const RATES_SMOKE: &[u32] = &[1_000];

pub(crate) fn measure(suite: &mut Suite, capacity: &Capacity) -> Result<()> {
    let scale = suite.stage().scale();
    let measured_ms: u64 = scale.pick(5, 100, 1_000, 3_000);
    for &rate in scale.pick(RATES, RATES_SMOKE, RATES, RATES) {
        let case = Case::new("rung", "rate", usize::try_from(rate).unwrap_or(usize::MAX))
            .model(Model::Open)
            .with("callers", CALLERS)
            .with("workers", WORKERS)
            .with("measured_ms", measured_ms)
            .with("warm_up_percent", WARM_UP_PERCENT)
            .with("settle_percent", SETTLE_PERCENT)
            .with("payload_bytes", PAYLOAD_BYTES)
            .with("arrivals", ArrivalProcess::Constant.name())
            .with("handler", "no-op")
            // What one machine sustains is more than another does.
            .overload(true);
        let rate = as_f64(rate.into());
        let (known, of_machine) = (capacity.clone(), capacity.clone());
        let experiment = Experiment::new(case, move |stage| {
            if known.rates(stage)?.sustainable < rate {
                return Ok((Duration::ZERO, Round::default()));
            }
            let measured = Duration::from_millis(measured_ms);
            let offered = open_loop(stage, &at_rate(&load(), rate, measured))?;
            let mut round = round(&offered);
            // A round of a smoke run is shorter than a stall of the disk.
            round.steady = round.steady.filter(|_| stage.scale().measures_rates());
            round.readings.push(OFFERED_TASKS_PER_S.reads(rate));
            let p99 = offered.latencies.end_to_end.value_at_quantile(0.99);
            Ok((Duration::from_nanos(p99), round))
        });
        suite.add(experiment.warmed_up().figures(move |_| {
            let above = of_machine.known().filter(|sustainable| *sustainable < rate);
            let why = above.map(|sustainable| {
                format!("above the capacity: {sustainable:.0} tasks/s are sustained")
            });
            let absent = |why: String| [P50_MS, P99_MS].map(|spec| spec.once(Err(why.clone())));
            why.map(absent).into_iter().flatten().collect()
        }))?;
    }
    Ok(())
}
