//! The same work by asynchronous handlers and futures on a runtime of two threads, and by threads: what share of the
//! workers' time do handlers fill that wait, and how fast are tasks enqueued?
//!
//! Only prismq has both, so that it is measured through its own interface and not through
//! [`crate::subject::Subject`].

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use prismq::{NewTask, Queue, WorkerPool, WorkerPoolBuilder};
use tempfile::TempDir;
use tokio::runtime::{Builder, Runtime};

use crate::base::clock::{Clock as _, SystemClock};
use crate::base::error::{Error, Result};
use crate::load::pool::{BOUND, STOP_BOUND};
use crate::load::tasks::PAYLOAD_BYTES;
use crate::observe::ledger::Ledger;
use crate::scenario::stage::Stage;
use crate::subject::Run;

const TASK_TYPE: &str = "async";
const BATCH: usize = 1_000;
/// Threads of the runtime.
const RUNTIME_THREADS: usize = 2;
/// How long the workers of a new pool have to start and to wait.
const SETTLING: Duration = Duration::from_millis(100);

/// Who runs handlers, or calls the queue.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum By {
    /// A thread each.
    Threads,
    /// Futures on the threads of one runtime.
    Futures,
}

/// What a pool did whose handlers wait.
#[derive(Debug, Clone)]
pub struct Waited {
    /// From the start of the pool to the last commit.
    pub took: Duration,
    /// Every run of a handler.
    pub runs: Vec<Run>,
}

/// Has a pool of this many workers run tasks that each wait for so long.
///
/// # Errors
/// If the queue fails, or the tasks are not done in time.
pub fn wait(stage: &Stage, by: By, workers: usize, tasks: usize, each: Duration) -> Result<Waited> {
    let (directory, queue) = open(stage)?;
    let runtime = runtime()?;
    let ended = Ledger::expecting(tasks);
    let (ends, runs) = (ended.clone(), Arc::<Mutex<Vec<Run>>>::default());
    let builder =
        WorkerPool::builder(&queue).workers(workers).on_event(move |_| ends.count_ended());
    let pool = {
        let _entered = runtime.enter();
        handled(builder, by, each, runs.clone()).start().map_err(Error::subject("start a pool"))?
    };
    thread::sleep(SETTLING);
    let started = Instant::now();
    let task = NewTask::new(TASK_TYPE, vec![0x5a; PAYLOAD_BYTES]);
    let mut left = tasks;
    while left > 0 {
        let batch = left.min(BATCH);
        queue.enqueue_all(vec![task.clone(); batch]).map_err(Error::subject("enqueue"))?;
        left -= batch;
    }
    let in_time = ended.wait(BOUND);
    let took = started.elapsed();
    pool.shutdown(STOP_BOUND);
    drop((queue, directory));
    if !in_time {
        return Err(Error::Unfit { reason: format!("{tasks} tasks did not end within {BOUND:?}") });
    }
    let runs = std::mem::take(&mut *runs.lock().unwrap_or_else(PoisonError::into_inner));
    Ok(Waited { took, runs })
}

/// The handler of a pool, which waits and records its run.
fn handled(
    builder: WorkerPoolBuilder,
    by: By,
    each: Duration,
    runs: Arc<Mutex<Vec<Run>>>,
) -> WorkerPoolBuilder {
    let record = move |id: i64, started| {
        let ended = SystemClock.now();
        let run = Run { id, started, ended, worked: ended.since(started) };
        runs.lock().unwrap_or_else(PoisonError::into_inner).push(run);
    };
    match by {
        By::Threads => builder.handle_bytes(TASK_TYPE, move |_, task| {
            let started = SystemClock.now();
            thread::sleep(each);
            record(task.id().as_i64(), started);
            Ok(())
        }),
        By::Futures => builder.handle_bytes_async(TASK_TYPE, move |_, cx| {
            let record = record.clone();
            async move {
                let started = SystemClock.now();
                tokio::time::sleep(each).await;
                record(cx.id().as_i64(), started);
                Ok(())
            }
        }),
    }
}

/// Has this many callers enqueue tasks, one a call, as fast as they are answered; with how long it took.
///
/// # Errors
/// If the queue fails.
pub fn enqueue(stage: &Stage, by: By, callers: usize, tasks: usize) -> Result<Duration> {
    let (directory, queue) = open(stage)?;
    let task = NewTask::new(TASK_TYPE, vec![0x5a; PAYLOAD_BYTES]);
    let each = tasks / callers;
    let failures = Arc::new(AtomicU64::new(0));
    let started;
    match by {
        By::Threads => {
            started = Instant::now();
            thread::scope(|scope| {
                for _ in 0..callers {
                    scope.spawn(|| {
                        let failed = (0..each).filter(|_| queue.enqueue(&task).is_err()).count();
                        failures.fetch_add(failed as u64, Ordering::Relaxed);
                    });
                }
            });
        }
        By::Futures => {
            let runtime = runtime()?;
            started = Instant::now();
            runtime.block_on(async {
                let callers: Vec<_> = (0..callers)
                    .map(|_| {
                        let (queue, task, failures) =
                            (queue.clone(), task.clone(), failures.clone());
                        tokio::spawn(async move {
                            for _ in 0..each {
                                if queue.enqueue_async(&task).await.is_err() {
                                    failures.fetch_add(1, Ordering::Relaxed);
                                }
                            }
                        })
                    })
                    .collect();
                for caller in callers {
                    _ = caller.await;
                }
            });
        }
    }
    let took = started.elapsed();
    let stats = queue.stats("default").map_err(Error::subject("count tasks"))?;
    let (failed, ready) = (failures.load(Ordering::Relaxed), stats.ready);
    drop((queue, directory));
    if failed > 0 || ready != (each * callers) as u64 {
        let reason = format!("{failed} calls failed, and {ready} tasks were added");
        return Err(Error::Unfit { reason });
    }
    Ok(took)
}

fn open(stage: &Stage) -> Result<(TempDir, Queue)> {
    let directory = stage.bench_dir().fresh()?;
    let queue = Queue::open(directory.path().join("queue.db"))
        .map_err(Error::subject("open a database"))?;
    Ok((directory, queue))
}

fn runtime() -> Result<Runtime> {
    Builder::new_multi_thread()
        .worker_threads(RUNTIME_THREADS)
        .enable_time()
        .build()
        .map_err(|error| Error::Unfit { reason: format!("cannot start a runtime: {error}") })
}
