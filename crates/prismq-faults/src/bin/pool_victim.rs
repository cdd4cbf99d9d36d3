//! A process with a worker pool, whose system calls `strace` makes fail or slow:
//! `prismq-pool-victim recorded FILE PATIENCE` enqueues tasks and runs them, and records all of it on standard output,
//! after a line on standard input, before which it prints `ready` to standard error, with its pool running;
//! `prismq-pool-victim timed FILE WORKERS TASKS` runs tasks of a millisecond that are enqueued before.
//!
//! The last line on standard error is the outcome of the pool, after the library's warnings and errors. It ends without
//! closing the queue.

use std::collections::HashMap;
use std::env;
use std::error::Error;
use std::fmt::{self, Debug, Write as _};
use std::io;
use std::path::Path;
use std::process;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use prismq::{Context, NewTask, Outcome, Queue, SystemClock, WorkerPool};
use prismq_check::{Client, EnqueueRequest, HandlerEnd, Pool, PoolSettings, Recorder, Served};
use tracing::field::{Field, Visit};
use tracing::span::{Attributes, Id, Record};
use tracing::{Level, Metadata, Subscriber};

type Result<T, E = Box<dyn Error>> = std::result::Result<T, E>;

const LEASE: Duration = Duration::from_millis(500);
const SHUTDOWN: Duration = Duration::from_secs(1);
/// Enough for more than one claim and one commit of the pool.
const TASKS: usize = 24;
/// How long a pool that reports an error may take to go on.
const SUSPENDED: Duration = Duration::from_millis(1500);
/// Longer than anything here may take.
const HUNG: Duration = Duration::from_secs(60);

fn main() -> Result<()> {
    thread::spawn(|| {
        thread::sleep(HUNG);
        eprintln!("ended: hung");
        process::abort();
    });
    tracing::subscriber::set_global_default(Log)?;
    let arguments: Vec<String> = env::args().skip(1).collect();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let ended = match arguments.as_slice() {
        ["recorded", file, patience] => {
            recorded(Path::new(file), Duration::from_millis(patience.parse()?))
        }
        ["timed", file, workers, tasks] => {
            timed(Path::new(file), workers.parse()?, tasks.parse()?)?
        }
        _ => {
            return Err(
                "the arguments are: recorded FILE PATIENCE, or timed FILE WORKERS TASKS".into()
            );
        }
    };
    eprintln!("ended: {ended}");
    process::exit(0)
}

/// Enqueues and runs tasks, and waits until none is left or the pool reports why it does not go on.
fn recorded(path: &Path, patience: Duration) -> String {
    let recorder = Recorder::to_lines(io::stdout());
    let clock = Arc::new(SystemClock);
    let queue = match Queue::open(path) {
        Ok(queue) => queue,
        Err(error) => return format!("not opened: {error}"),
    };
    let serve = PoolSettings {
        queues: Served::One,
        types: vec![("job".to_owned(), None)],
        workers: 2,
        lease: LEASE,
        reads_leases: false,
    };
    let handler = |_: &[u8], _: &Context| {
        thread::sleep(Duration::from_millis(1));
        HandlerEnd::Success
    };
    let listener = |_: Outcome| {};
    let named = (recorder.clone(), 2);
    let pool = match Pool::start(&queue, path, clock.clone(), named, &serve, handler, listener) {
        Ok(pool) => pool,
        Err(error) => return format!("not started: {error}"),
    };
    eprintln!("ready");
    if let Err(error) = io::stdin().read_line(&mut String::new()) {
        return format!("not started: {error}");
    }
    let client = Client::new(queue, clock, recorder, 1);
    let produced = Arc::<Produced>::default();
    let shared = produced.clone();
    // Not waited for: a call on a file that cannot be locked takes its time.
    thread::spawn(move || produce(client, &shared, patience));
    let what = outcome(&produced, pool.pool(), patience);
    let began = Instant::now();
    let report = pool.shutdown(SHUTDOWN);
    let took = began.elapsed().as_millis();
    let left = match report {
        Ok(report) => report.abandoned.len() + report.unsettled.len() + report.held.len(),
        Err(error) => return format!("not recorded: {error}"),
    };
    format!("{what}; shut down in {took} ms, {left} left")
}

/// What was enqueued.
#[derive(Debug, Default)]
struct Produced {
    acknowledged: AtomicU64,
    all: AtomicBool,
}

fn produce(mut client: Client<Queue>, produced: &Produced, patience: Duration) {
    let began = Instant::now();
    for number in (0..TASKS).take_while(|_| began.elapsed() < patience) {
        let payload_bytes = if number % 6 == 5 { 20_000 } else { 32 };
        if client.enqueue(&EnqueueRequest { payload_bytes, ..EnqueueRequest::default() }).is_ok() {
            produced.acknowledged.fetch_add(1, Ordering::Release);
        }
    }
    produced.all.store(true, Ordering::Release);
}

/// The outcome of the pool, by its own statistics: reads of the file may fail as well.
fn outcome(produced: &Produced, pool: &WorkerPool, patience: Duration) -> String {
    let began = Instant::now();
    loop {
        let all = produced.all.load(Ordering::Acquire);
        let acknowledged = produced.acknowledged.load(Ordering::Acquire);
        let error = pool.error();
        let stats = pool.stats();
        if all && stats.completed >= acknowledged && error.is_none() {
            return "worked".to_owned();
        }
        if all && stats.completed + stats.dead >= acknowledged && error.is_none() {
            return format!("ended tasks: {} died", stats.dead);
        }
        let waited = began.elapsed();
        if let Some(error) = error
            && (matches!(error, prismq::Error::Poisoned { .. }) || waited >= SUSPENDED)
        {
            return format!("stopped: {error}");
        }
        if waited >= patience && stats.completed >= acknowledged {
            // No more tasks were enqueued.
            return "worked".to_owned();
        }
        if waited >= patience {
            return format!("stuck: {acknowledged} acknowledged, {stats:?}");
        }
        thread::sleep(Duration::from_millis(1));
    }
}

/// Runs this many tasks, of which it must run each once, and reports how well it used its workers.
fn timed(path: &Path, workers: usize, tasks: usize) -> Result<String> {
    let queue = Queue::open(path)?;
    let batch: Vec<NewTask> = (0..tasks).map(|_| NewTask::new("job", Vec::new())).collect();
    queue.enqueue_all(&batch)?;
    let runs = Arc::<Mutex<Runs>>::default();
    let recorded = runs.clone();
    let pool = WorkerPool::builder(&queue)
        .workers(workers)
        .handle_bytes("job", move |_, task| {
            let began = Instant::now();
            thread::sleep(Duration::from_millis(1));
            let ended = Instant::now();
            let mut runs = recorded.lock().unwrap_or_else(PoisonError::into_inner);
            *runs.of_task.entry(task.id().as_i64()).or_default() += 1;
            runs.worked += ended - began;
            runs.began = Some(runs.began.map_or(began, |first| first.min(began)));
            runs.ended = Some(runs.ended.map_or(ended, |last| last.max(ended)));
            Ok(())
        })
        .start()?;
    while queue.stats("default")?.completed < tasks as u64 {
        if let Some(error) = pool.error() {
            return Err(error.into());
        }
        thread::sleep(Duration::from_millis(1));
    }
    let began = Instant::now();
    let report = pool.shutdown(SHUTDOWN);
    let took = began.elapsed().as_millis();
    let runs = runs.lock().unwrap_or_else(PoisonError::into_inner);
    let once = runs.of_task.len() == tasks && runs.of_task.values().all(|count| *count == 1);
    let settled = report.stats.completed == tasks as u64
        && report.abandoned.is_empty()
        && report.unsettled.is_empty();
    let wall = runs.ended.zip(runs.began).map_or(Duration::ZERO, |(ended, began)| ended - began);
    let ideal = runs.worked.as_secs_f64() / workers as f64;
    let efficiency = 100.0 * ideal / wall.as_secs_f64();
    Ok(format!(
        "once {once}, settled {settled}, shut down in {took} ms, efficiency {efficiency:.1} %"
    ))
}

#[derive(Debug, Default)]
struct Runs {
    of_task: HashMap<i64, u32>,
    worked: Duration,
    began: Option<Instant>,
    ended: Option<Instant>,
}

/// Prints the library's warnings and errors.
struct Log;

impl Subscriber for Log {
    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        *metadata.level() <= Level::WARN
    }

    fn new_span(&self, _: &Attributes<'_>) -> Id {
        Id::from_u64(1)
    }

    fn record(&self, _: &Id, _: &Record<'_>) {}

    fn record_follows_from(&self, _: &Id, _: &Id) {}

    fn event(&self, event: &tracing::Event<'_>) {
        let mut line = Line::default();
        event.record(&mut line);
        eprintln!("log: {}{}", event.metadata().level(), line.0);
    }

    fn enter(&self, _: &Id) {}

    fn exit(&self, _: &Id) {}
}

#[derive(Default)]
struct Line(String);

impl Visit for Line {
    fn record_debug(&mut self, field: &Field, value: &dyn Debug) {
        let wrote: fmt::Result = write!(self.0, "  {field}={value:?}");
        debug_assert!(wrote.is_ok(), "text takes what is written to it");
    }
}
