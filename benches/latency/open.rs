//! At half the measured maximum: callers that wait for each answer find out what the machine can do,
//! then the same callers offer half of that at a constant rate.

use std::sync::Arc;
use std::time::Duration;

use prismq_bench::error::Result;
use prismq_bench::metrics::{MAXIMUM_TASKS_PER_S, OFFERED_TASKS_PER_S};
use prismq_bench::recorder::{Case, Round};
use prismq_bench::suite::Suite;
use prismq_bench::workload::PAYLOAD_BYTES;
use prismq_bench::workload::open_loop::{OpenLoop, open_loop};
use prismq_bench::workload::pipeline::{Pipeline, pipeline};

use crate::end_to_end::round;

const LOAD_PERCENT: usize = 50;
const LOAD_FRACTION: f64 = 0.5;
const CALLERS: usize = 10;
const WORKERS: usize = 10;

pub(crate) fn measure(suite: &mut Suite<'_>) -> Result<()> {
    let tasks = suite.stage().scale().pick(20, 1_000, 8_000, 40_000);
    let closed =
        Pipeline { producers: CALLERS, workers: WORKERS, tasks, batch: 1, work: Arc::new(|_| {}) };
    let case = Case::new("open", "load", LOAD_PERCENT)
        .with("callers", CALLERS)
        .with("workers", WORKERS)
        .with("tasks", tasks)
        .with("payload_bytes", PAYLOAD_BYTES)
        .with("arrivals", "constant rate")
        .with("handler", "no-op");
    let mut maximum = None;
    let mut rounds: Vec<Round> = Vec::new();
    suite.bench(&case, |stage, call| {
        let most = match maximum {
            Some(most) => most,
            None => *maximum.insert(pipeline(stage, &closed)?.tasks_per_s()),
        };
        let offered = most * LOAD_FRACTION;
        let interval = Duration::from_secs_f64(1.0 / offered);
        let load = OpenLoop { workers: WORKERS, generators: CALLERS, tasks, interval };
        let latencies = open_loop(stage, load)?;
        if !call.discarded {
            let mut round = round(&latencies);
            round.readings.push(MAXIMUM_TASKS_PER_S.reads(most));
            round.readings.push(OFFERED_TASKS_PER_S.reads(offered));
            rounds.push(round);
        }
        Ok(Duration::from_nanos(latencies.end_to_end.value_at_quantile(0.99)))
    })?;
    suite.record(case, &rounds, Vec::new())
}
