//! Handlers that take time, which is what users have: what share of the workers' time do they fill?
//!
//! 0.2, 1 and 10 ms, and a mix of 1 ms in which one in twenty takes 50; 1 to 64 workers; one process and
//! two; sleeping and computing. The standard profile measures a part of the combinations, the full one all.

use std::thread;
use std::time::Duration;

use prismq_bench::base::error::Result;
use prismq_bench::base::profile::{Profile, Scale};
use prismq_bench::load::service_time::{Kind, ServiceTime};
use prismq_bench::load::tasks::PAYLOAD_BYTES;
use prismq_bench::run::record::case::Case;
use prismq_bench::run::rounds::experiment::Experiment;
use prismq_bench::run::suite::Suite;
use prismq_bench::scenario::drain::ENQUEUE_BATCH;
use prismq_bench::scenario::drain::efficiency::{Work, round};
use prismq_record::Model;

const KINDS: [Kind; 2] = [Kind::Sleeping, Kind::Computing];
const WORKERS: [usize; 5] = [1, 2, 10, 32, 64];
const PROCESSES: [usize; 2] = [1, 2];
const LONG: Duration = Duration::from_millis(50);

/// How long a handler takes.
#[derive(Debug, Clone, Copy)]
struct Time {
    name: &'static str,
    us: u64,
    long: Option<Duration>,
}

const SHORT: Time = Time { name: "0.2ms", us: 200, long: None };
const USUAL: Time = Time { name: "1ms", us: 1_000, long: None };
const SLOW: Time = Time { name: "10ms", us: 10_000, long: None };
const MIXED: Time = Time { name: "mixed", us: 1_000, long: Some(LONG) };
const TIMES: [Time; 4] = [SHORT, USUAL, SLOW, MIXED];

/// One combination.
type Point = (Kind, Time, usize, usize);

const SMOKE: &[Point] = &[(Kind::Sleeping, USUAL, 10, 1), (Kind::Sleeping, USUAL, 10, 2)];
const STANDARD: &[Point] = &[
    (Kind::Sleeping, USUAL, 1, 1),
    (Kind::Sleeping, USUAL, 10, 1),
    (Kind::Sleeping, USUAL, 64, 1),
    (Kind::Sleeping, SHORT, 10, 1),
    (Kind::Sleeping, SLOW, 10, 1),
    (Kind::Sleeping, MIXED, 10, 1),
    (Kind::Computing, USUAL, 2, 1),
    (Kind::Computing, USUAL, 10, 1),
    (Kind::Sleeping, USUAL, 10, 2),
];

pub(crate) fn measure(suite: &mut Suite) -> Result<()> {
    let points = match suite.stage().scale() {
        Scale::Trial | Scale::Profile(Profile::Smoke) => SMOKE.to_vec(),
        Scale::Profile(Profile::Standard) => STANDARD.to_vec(),
        Scale::Profile(Profile::Full) => all(),
    };
    points.into_iter().try_for_each(|point| measure_point(suite, point))
}

fn all() -> Vec<Point> {
    let mut points = Vec::new();
    for kind in KINDS {
        for time in TIMES {
            for processes in PROCESSES {
                points.extend(WORKERS.map(|workers| (kind, time, workers, processes)));
            }
        }
    }
    points
}

fn measure_point(suite: &mut Suite, (kind, time, workers, processes): Point) -> Result<()> {
    let cores = thread::available_parallelism().map_or(1, Into::into);
    let ideal = Duration::from_millis(suite.stage().scale().pick(10, 50, 400, 400));
    let service_time = ServiceTime { kind, time: Duration::from_micros(time.us), long: time.long };
    let load =
        Work { processes, workers_each: workers, tasks: 0, service_time }.sized(ideal, cores);
    let name = format!("{},handler={},workers={workers}", kind.name(), time.name);
    let mut case = Case::variant("work", &name)
        .model(Model::Closed)
        .with("kind", kind.name())
        .with("handler", time.name)
        .with("handler_us", time.us)
        .with("workers", workers)
        .with("tasks", load.tasks)
        .with("slots", load.slots(cores))
        .with("enqueue_batch", ENQUEUE_BATCH)
        .with("payload_bytes", PAYLOAD_BYTES);
    if let Some(long) = time.long {
        let long = u64::try_from(long.as_micros()).unwrap_or(u64::MAX);
        case = case.with("one_in_20_us", long);
    }
    if processes > 1 {
        case = case.and("processes", processes);
    }
    let experiment = Experiment::new(case, move |stage| round(stage, &load, cores));
    suite.add(experiment.warmed_up())
}
