//! How long the WAL becomes under a load that does not pause and no reader that holds it.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread;
use std::time::Duration;

use prismq_bench::error::Result;
use prismq_bench::metrics::{TASKS_PER_S, WAL_PEAK_MIB, as_f64};
use prismq_bench::recorder::{Case, Round};
use prismq_bench::suite::Suite;
use prismq_bench::workload::PAYLOAD_BYTES;
use prismq_bench::workload::drain::ENQUEUE_BATCH;
use prismq_bench::workload::pipeline::{Pipeline, run};

const PRODUCERS: usize = 4;
const WORKERS: usize = 10;
const INTERVAL: Duration = Duration::from_millis(1);
const MIB: f64 = 1024.0 * 1024.0;

pub(crate) fn measure(suite: &mut Suite<'_>) -> Result<()> {
    let tasks = suite.stage().scale().pick(40, 5_000, 100_000, 500_000);
    let load = Pipeline {
        producers: PRODUCERS,
        workers: WORKERS,
        tasks,
        batch: ENQUEUE_BATCH,
        work: Arc::new(|_| {}),
    };
    let case = Case::variant("wal", "sustained")
        .with("producers", PRODUCERS)
        .with("workers", WORKERS)
        .with("tasks", tasks)
        .with("enqueue_batch", ENQUEUE_BATCH)
        .with("payload_bytes", PAYLOAD_BYTES);
    suite.measure(case, |stage| {
        let database = stage.database(WORKERS + PRODUCERS)?;
        let wal = wal_of(database.path());
        let (ended, peak) = (AtomicBool::new(false), AtomicU64::new(0));
        let through = thread::scope(|scope| {
            scope.spawn(|| {
                while !ended.load(Ordering::Relaxed) {
                    peak.fetch_max(length(&wal), Ordering::Relaxed);
                    thread::sleep(INTERVAL);
                }
            });
            let through = run(database.engine(), &load);
            ended.store(true, Ordering::Relaxed);
            through
        })?;
        // A WAL keeps its length until it is cut: the last look misses nothing.
        peak.fetch_max(length(&wal), Ordering::Relaxed);
        let readings = vec![
            WAL_PEAK_MIB.reads(as_f64(peak.into_inner()) / MIB),
            TASKS_PER_S.reads(through.tasks_per_s()),
        ];
        Ok((through.draining, Round { readings, histograms: Vec::new(), faults: through.faults }))
    })
}

fn wal_of(database: &Path) -> PathBuf {
    let mut name = database.to_owned().into_os_string();
    name.push("-wal");
    name.into()
}

/// Asked without opening the file, which SQLite's locks would not survive.
fn length(file: &Path) -> u64 {
    fs::metadata(file).map_or(0, |metadata| metadata.len())
}
