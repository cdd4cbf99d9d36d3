//! How long the WAL becomes under a load that does not pause and no reader that holds it.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread;
use std::time::Duration;

use prismq_bench::base::error::Result;
use prismq_bench::base::number::as_f64;
use prismq_bench::load::tasks::PAYLOAD_BYTES;
use prismq_bench::observe::metrics::{TASKS_PER_S, WAL_PEAK_MIB};
use prismq_bench::observe::round::Round;
use prismq_bench::observe::sampler::{size_of, wal_of};
use prismq_bench::reference::{per_s, raw};
use prismq_bench::run::record::case::Case;
use prismq_bench::run::suite::Suite;
use prismq_bench::scenario::drain::ENQUEUE_BATCH;
use prismq_bench::scenario::drain::pipeline::{Pipeline, run};
use prismq_bench::subject::Work;
use prismq_record::Model;

const PRODUCERS: usize = 4;
const WORKERS: usize = 10;
const INTERVAL: Duration = Duration::from_millis(1);
const MIB: f64 = 1024.0 * 1024.0;

pub(crate) fn measure(suite: &mut Suite) -> Result<()> {
    let tasks = suite.stage().scale().pick(40, 5_000, 100_000, 500_000);
    let floor_tasks = suite.stage().scale().pick(40, 1_000, 20_000, 50_000);
    let load = Pipeline {
        producers: PRODUCERS,
        workers: WORKERS,
        tasks,
        batch: ENQUEUE_BATCH,
        work: Work::None,
    };
    let case = Case::variant("wal", "sustained")
        .model(Model::Closed)
        .with("producers", PRODUCERS)
        .with("workers", WORKERS)
        .tasks(tasks)
        .with("tasks", tasks)
        .with("enqueue_batch", ENQUEUE_BATCH)
        .with("payload_bytes", PAYLOAD_BYTES);
    suite.measure(case, move |stage| {
        let database = stage.database(WORKERS + PRODUCERS)?;
        let wal = wal_of(database.path());
        let (ended, peak) = (AtomicBool::new(false), AtomicU64::new(0));
        let through = thread::scope(|scope| {
            scope.spawn(|| {
                while !ended.load(Ordering::Relaxed) {
                    peak.fetch_max(size_of(&wal).unwrap_or(0), Ordering::Relaxed);
                    thread::sleep(INTERVAL);
                }
            });
            let through = run(database.subject(), &load);
            ended.store(true, Ordering::Relaxed);
            through
        })?;
        // A WAL keeps its length until it is cut: the last look misses nothing.
        peak.fetch_max(size_of(&wal).unwrap_or(0), Ordering::Relaxed);
        let readings = vec![
            WAL_PEAK_MIB.reads(as_f64(peak.into_inner()) / MIB),
            TASKS_PER_S.reads(through.tasks_per_s()),
        ];
        let life = raw::life(stage.bench_dir(), floor_tasks, PAYLOAD_BYTES)?;
        let round =
            Round { readings, faults: through.faults, course: through.course, ..Round::default() };
        Ok((
            through.draining,
            round.with_upper_bound(TASKS_PER_S, "sqlite", per_s(floor_tasks, life)),
        ))
    })
}
