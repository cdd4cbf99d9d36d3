//! A worker pool that records what it does: each handler's beginning before it does anything, its result
//! before the pool has it, and what the pool reports of it.
//!
//! The claims of a pool cannot be observed and are not recorded: the checker allows for what a pool may hold. How long
//! a task had been held when its handler began follows from the end of its lease in the file.

mod log;

use std::panic::resume_unwind;
use std::path::Path;
use std::sync::Arc;
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use prismq::{Clock, Context, Outcome, PoolQueues, Queue, ShutdownReport, TaskError, WorkerPool};
use serde::{Deserialize, Serialize};

use self::log::PoolLog;
use crate::error::{Error, Result};
use crate::history::Recorder;
use crate::history::{Event, Op, Phase};

/// The settings of a recorded pool.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PoolSettings {
    /// The queues it serves.
    pub queues: Served,
    /// The types it has handlers for, and the time limit of each.
    pub types: Vec<(String, Option<Duration>)>,
    /// How many handlers run at once.
    pub workers: usize,
    /// How long what it claims is held.
    pub lease: Duration,
    /// Whether each handler's beginning reads the end of its lease from the file. Without it, neither exclusion nor
    /// hoarding can be checked.
    pub reads_leases: bool,
}

/// The queues that a recorded pool serves.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Served {
    /// `default`.
    One,
    /// `default` and then [`Served::SECOND`], with which one worker at most is busy.
    InOrder,
    /// `default` and [`Served::SECOND`], two tasks of the first for each of the second.
    ByShare,
}

impl Served {
    /// The queue that is served in addition to `default`.
    pub const SECOND: &str = "bulk";

    /// Their names, as they stand in the history.
    fn names(self) -> String {
        match self {
            Self::One => "default".to_owned(),
            Self::InOrder | Self::ByShare => format!("default,{}", Self::SECOND),
        }
    }

    fn queues(self) -> PoolQueues {
        match self {
            Self::One => PoolQueues::in_order(["default"]),
            Self::InOrder => {
                PoolQueues::in_order(["default", Self::SECOND]).at_most(Self::SECOND, 1)
            }
            Self::ByShare => PoolQueues::by_share([("default", 2), (Self::SECOND, 1)]),
        }
    }
}

/// How a handler ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum HandlerEnd {
    /// It returns `Ok`.
    Success,
    /// It returns an error that is retried after this long.
    Retry(Duration),
    /// It returns an error that is not retried.
    Permanent,
    /// It panics.
    Panic,
}

/// A running pool, which is a client of its own in the history.
#[derive(Debug)]
pub struct Pool {
    pool: WorkerPool,
    log: Arc<PoolLog>,
    begun: Event,
    meter: Option<JoinHandle<Result<()>>>,
}

impl Pool {
    /// Starts a pool under a client number that is unique in the history. `handler` does the work of a task
    /// and returns how it ends; `listener` is called with each outcome after it was recorded.
    ///
    /// # Errors
    /// [`Error::Queue`] if the pool does not start, [`Error::Audit`] if its file cannot be read,
    /// [`Error::Log`] if it cannot be recorded.
    pub fn start(
        queue: &Queue,
        path: &Path,
        clock: Arc<dyn Clock>,
        recorded: (Recorder, u32),
        serve: &PoolSettings,
        handler: impl Fn(&[u8], &Context) -> HandlerEnd + Send + Sync + 'static,
        listener: impl Fn(Outcome) + Send + 'static,
    ) -> Result<Self> {
        let (recorder, client_id) = recorded;
        let log =
            Arc::new(PoolLog::new(recorder, client_id, clock, serve.reads_leases.then_some(path))?);
        let names: Vec<&str> = serve.types.iter().map(|(name, _)| name.as_str()).collect();
        let begun = Event {
            queue: Some(serve.queues.names()),
            task_type: Some(names.join(",")),
            count: u32::try_from(serve.workers).ok(),
            micros: i64::try_from(serve.lease.as_micros()).ok(),
            ..log.event(Op::RunPool, Phase::Invoke)
        };
        log.record(begun.clone())?;
        let mut builder = WorkerPool::builder(queue)
            .queues(serve.queues.queues())
            .workers(serve.workers)
            .lease(serve.lease);
        let handler = Arc::new(handler);
        for (name, limit) in &serve.types {
            if let Some(limit) = limit {
                builder = builder.timeout_of(name.as_str(), *limit);
            }
            let (log, handler, limit) = (log.clone(), handler.clone(), *limit);
            builder = builder.handle_bytes(name.as_str(), move |payload, task| {
                run(&log, &payload, &task, limit, handler.as_ref())
            });
        }
        let events = log.clone();
        let pool = builder
            .on_event(move |event| {
                events.record_event(event);
                listener(event.outcome);
            })
            .start()?;
        let meter = Some(thread::spawn({
            let log = log.clone();
            move || log.measure()
        }));
        Ok(Self { pool, log, begun, meter })
    }

    /// The pool.
    pub const fn pool(&self) -> &WorkerPool {
        &self.pool
    }

    /// Shuts it down, and records its end if nothing of it is left running.
    ///
    /// # Errors
    /// [`Error::Log`] if it could not be recorded.
    pub fn shutdown(self, timeout: Duration) -> Result<ShutdownReport> {
        let Self { pool, log, begun, meter } = self;
        let began = Instant::now();
        let report = pool.shutdown(timeout);
        let in_time = began.elapsed() < timeout;
        log.end_measuring();
        if let Some(meter) = meter {
            let panicked =
                |_| Error::Log(std::io::Error::other("the thread that measures stalls panicked"));
            meter.join().map_err(panicked)??;
        }
        let left = [&report.abandoned, &report.unsettled, &report.held];
        let nothing_left = left.iter().all(|tasks| tasks.is_empty());
        // After a fault of the queue, and in a claim under way at the end of the time, it may have claimed what it
        // does not know of.
        let over = nothing_left && in_time && report.error.is_none();
        if over && log.has_all_events() {
            log.record(Event { phase: Phase::Ok, t_db: log.now(), ..begun })?;
        }
        Ok(report)
    }
}

/// Begins a handler, lets it do its work, and records how it ended.
fn run(
    log: &PoolLog,
    payload: &[u8],
    task: &Context,
    limit: Option<Duration>,
    handler: &(impl Fn(&[u8], &Context) -> HandlerEnd + ?Sized),
) -> Result<(), TaskError> {
    let begun = log.begin(payload, task, limit);
    let end = handler(payload, task);
    log.end(task, begun, end);
    match end {
        HandlerEnd::Success => Ok(()),
        HandlerEnd::Retry(retry) => Err(TaskError::new("failed").retry_after(retry)),
        HandlerEnd::Permanent => Err(TaskError::permanent("failed for good")),
        // Without the hook, which would print it.
        HandlerEnd::Panic => resume_unwind(Box::new("panicked")),
    }
}
