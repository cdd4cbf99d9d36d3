//! How long does a task take from the moment it was meant to be enqueued to its committed
//! completion, while tasks arrive at a constant rate? p50, p95 and p99 are Criterion benchmarks of
//! their own over the same rounds; the record keeps the whole distribution.

use std::time::Duration;

use prismq_bench::base::error::Result;
use prismq_bench::load::arrivals::ArrivalProcess;
use prismq_bench::run::record::case::Case;
use prismq_bench::run::rounds::experiment::Experiment;
use prismq_bench::run::suite::Suite;
use prismq_bench::scenario::open::{OpenLoop, open_loop};
use prismq_record::Model;

use crate::readings::round;
use prismq_bench::subject::Work;

const PERCENTILES: &[u8] = &[50, 95, 99];

pub(crate) fn measure(suite: &mut Suite) -> Result<()> {
    let tasks = suite.stage().scale().pick(20, 150, 120, 2_000);
    // A smoke run has no more than a minute for everything.
    let rate: u32 = suite.stage().scale().pick(200, 800, 200, 200);
    let load = OpenLoop {
        workers: 1,
        generators: 1,
        tasks,
        warm_up: tasks / 10,
        settle: 0,
        interval: Duration::from_secs(1) / rate,
        arrivals: ArrivalProcess::Constant,
        work: Work::None,
    };
    let case = Case::new("end_to_end", "workers", load.workers)
        .model(Model::Open)
        .claims("end_to_end", 0.99)
        .with("tasks", tasks)
        .with("warm_up_tasks", load.warm_up)
        .with("rate_per_s", rate)
        .with("arrivals", load.arrivals.name())
        .with("handler", "no-op")
        // A trial has too few tasks for a rate.
        .overload(!suite.stage().scale().measures_rates());
    let experiment = Experiment::new(case, move |stage| {
        let offered = open_loop(stage, &load)?;
        let median = offered.latencies.end_to_end.value_at_quantile(0.5);
        Ok((Duration::from_nanos(median), round(&offered)))
    });
    suite.add(experiment.warmed_up().percentiles("end_to_end", PERCENTILES))
}
