//! The yardstick's workers: each claims a task, runs it, settles it, and polls when there is none.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use super::connections::{Access, Connections};
use super::sql::{self, Claim, Claimed};
use super::{Tally, busy};
use crate::subject::local::{Attempt, LocalError, LocalPool};
use crate::subject::{Ending, PoolReport, RunningPool, Settled};

const IDLE_MIN: Duration = Duration::from_millis(1);
const IDLE_MAX: Duration = Duration::from_millis(10);
/// Messages that are kept of a queue that fails again and again.
const ERRORS_MAX: usize = 10;

/// What one worker did.
#[derive(Debug, Default)]
struct WorkerReport {
    finished: u64,
    errors: Vec<String>,
}

/// The threads of a pool.
pub(super) struct Workers {
    stop: Arc<AtomicBool>,
    threads: Vec<JoinHandle<WorkerReport>>,
}

pub(super) fn start(
    connections: &Connections,
    pool: LocalPool,
    retry: Duration,
    tally: &Arc<Tally>,
) -> Result<Workers, LocalError> {
    let mut workers = Workers { stop: Arc::new(AtomicBool::new(false)), threads: Vec::new() };
    let pool = Arc::new(pool);
    for index in 0..pool.workers {
        let mut worker = Worker {
            connection: connections.get()?,
            types: pool.handlers.iter().map(|(task_type, _)| *task_type).collect(),
            pool: pool.clone(),
            retry,
            tally: tally.clone(),
            stop: workers.stop.clone(),
            report: WorkerReport::default(),
        };
        let thread = thread::Builder::new()
            .name(format!("pooled-worker-{index}"))
            .spawn(move || {
                worker.work();
                worker.report
            })
            .map_err(LocalError::Thread)?;
        workers.threads.push(thread);
    }
    Ok(workers)
}

impl Workers {
    fn end(&mut self, bound: Duration) -> PoolReport {
        self.stop.store(true, Ordering::Relaxed);
        let deadline = Instant::now().checked_add(bound);
        let mut report = PoolReport::default();
        for thread in self.threads.drain(..) {
            while !thread.is_finished() && deadline.is_none_or(|end| Instant::now() < end) {
                thread::sleep(IDLE_MIN);
            }
            if !thread.is_finished() {
                report.errors.push("a handler did not end in time".to_owned());
                continue;
            }
            match thread.join() {
                Ok(worker) => {
                    report.per_worker.push(worker.finished);
                    report.errors.extend(worker.errors);
                }
                Err(_) => report.errors.push("a worker thread panicked".to_owned()),
            }
        }
        report
    }
}

impl RunningPool for Workers {
    fn stop(mut self: Box<Self>, bound: Duration) -> PoolReport {
        self.end(bound)
    }
}

impl Drop for Workers {
    fn drop(&mut self) {
        self.end(Duration::from_secs(30));
    }
}

struct Worker {
    connection: Access,
    pool: Arc<LocalPool>,
    types: Vec<&'static str>,
    retry: Duration,
    tally: Arc<Tally>,
    stop: Arc<AtomicBool>,
    report: WorkerReport,
}

impl Worker {
    fn work(&mut self) {
        let mut idle = IDLE_MIN;
        while !self.stopped() {
            Tally::add(&self.tally.write_transactions);
            let claimed = self
                .connection
                .with(|connection| sql::claim(connection, &self.types, self.pool.lease));
            match claimed {
                Ok(Claimed::Task(claim)) => {
                    self.run(&claim);
                    idle = IDLE_MIN;
                    continue;
                }
                Ok(Claimed::Conflict) => {
                    Tally::add(&self.tally.claim_conflicts);
                    continue;
                }
                Ok(Claimed::Nothing) => Tally::add(&self.tally.empty_polls),
                Err(error) => self.counted(&error),
            }
            thread::sleep(idle);
            idle = (idle * 2).min(IDLE_MAX);
        }
    }

    fn run(&mut self, claim: &Claim) {
        let handler = self.pool.handlers.iter().find(|(name, _)| *name == claim.task_type);
        let attempt = Attempt { id: claim.id, payload: &claim.payload, number: claim.attempt };
        let result = match handler {
            None => Err("no handler for this type".to_owned()),
            Some((_, handler)) => catch_unwind(AssertUnwindSafe(|| handler(&attempt)))
                .unwrap_or_else(|_| Err("the handler panicked".to_owned())),
        };
        self.report.finished += 1;
        if let Some(ending) = self.settle(claim, &result) {
            (self.pool.listener)(&Settled { id: claim.id, attempt: claim.attempt, ending });
        }
    }

    /// Commits the result, again and again while the answer is busy and the pool runs.
    fn settle(&mut self, claim: &Claim, result: &Result<(), String>) -> Option<Ending> {
        loop {
            Tally::add(&self.tally.write_transactions);
            let retry = self.retry;
            let settled = self.connection.with(|connection| match result {
                Ok(()) => sql::complete(connection, claim),
                Err(error) => sql::fail(connection, claim, error, retry),
            });
            match settled {
                Ok(ending) => return Some(ending),
                Err(error) => {
                    self.counted(&error);
                    if !busy::is_busy(&error) || self.stopped() {
                        return None;
                    }
                }
            }
        }
    }

    fn counted(&mut self, error: &rusqlite::Error) {
        if busy::is_busy(error) {
            Tally::add(&self.tally.busy_errors);
        } else if self.report.errors.len() < ERRORS_MAX {
            self.report.errors.push(error.to_string());
        }
    }

    fn stopped(&self) -> bool {
        self.stop.load(Ordering::Relaxed)
    }
}
