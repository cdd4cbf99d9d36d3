//! A worker pool that runs a known number of tasks, with a ledger of each: what all loads have in common,
//! whoever enqueues.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use crate::base::clock::{Time, processor_time};
use crate::base::error::Result;
use crate::observe::audit::Audit;
use crate::observe::ledger::{Entry, Ledger, ids_run, ids_that};
use crate::subject::{
    Census, Counters, DEFAULT_QUEUE, Ending, Handler, PoolReport, PoolSpec, Recording, Run,
    RunningPool, Subject,
};

/// A load that has not ended by then is not slow but stuck.
pub const BOUND: Duration = Duration::from_secs(120);
/// How long a stopping pool may take.
pub const STOP_BOUND: Duration = Duration::from_secs(30);
/// The lease of the pools' claims.
pub const LEASE: Duration = Duration::from_secs(60);
/// After so long without any task ending, the subject is asked whether it has any left.
const STANDSTILL: Duration = Duration::from_millis(250);

/// A pool on the default queue for one type of task, each run of a handler recorded.
#[must_use]
pub fn pool(workers: usize, task_type: &'static str, handler: impl Into<Handler>) -> PoolSpec {
    PoolSpec {
        queue: DEFAULT_QUEUE,
        workers,
        lease: LEASE,
        handlers: vec![(task_type, handler.into())],
        recording: Recording::Runs,
    }
}

/// A running pool with its ledger.
pub struct Pool<'a> {
    subject: &'a dyn Subject,
    ledger: Arc<Ledger>,
    running: Box<dyn RunningPool>,
    before: Counters,
    started: Time,
    processor_before: Duration,
}

/// What a pool has done once it has stopped.
#[derive(Debug, Clone)]
pub struct Worked {
    /// When it was started.
    pub started: Time,
    /// When the last commit was known.
    pub ended: Time,
    /// The processor time of the process until then.
    pub processor: Duration,
    /// Whether every task was done once.
    pub audit: Audit,
    /// What the subject counted meanwhile.
    pub counted: Counters,
    /// The pool's own report.
    pub pool: PoolReport,
    /// Every run of a handler.
    pub runs: Vec<Run>,
    /// Every committed completion.
    pub completions: Vec<Entry>,
    /// Reasons why the figures are invalid.
    pub faults: Vec<String>,
}

impl<'a> Pool<'a> {
    /// Starts a pool for this many tasks.
    ///
    /// # Errors
    /// [`Error::Subject`](crate::base::error::Error::Subject) if there can be none.
    pub fn start(subject: &'a dyn Subject, pool: &PoolSpec, tasks: usize) -> Result<Self> {
        let ledger = Ledger::expecting(tasks);
        let (before, processor_before) = (subject.counters(), processor_time());
        let started = subject.clock().now();
        let running = subject.start(pool, ledger.clone())?;
        Ok(Self { subject, ledger, running, before, started, processor_before })
    }

    /// Waits until all tasks have ended, stops the pool and audits its ledger.
    ///
    /// # Errors
    /// [`Error::Subject`](crate::base::error::Error::Subject) if it cannot be asked what is left.
    pub fn finish(self, enqueued: &[i64]) -> Result<Worked> {
        let in_time = self.wait()?;
        let processor = processor_time().saturating_sub(self.processor_before);
        let counted = self.subject.counters().since(self.before);
        let pool = self.running.stop(STOP_BOUND);

        let entries = self.ledger.entries();
        let runs = self.ledger.take_runs();
        let audit =
            Audit::balance(enqueued, &ids_that(&entries, Ending::Completed), &ids_run(&runs));
        let census = self.subject.census(DEFAULT_QUEUE)?;
        let mut faults = audit.faults();
        if !in_time && audit.lost == 0 {
            faults.push(format!("the tasks were not done within {BOUND:?}"));
        }
        if census != Census::default() {
            faults.push(format!("tasks were left in the queue: {census:?}"));
        }
        faults.extend(pool.errors.iter().cloned());
        let ended = entries.iter().map(|entry| entry.at).max();
        Ok(Worked {
            started: self.started,
            ended: ended.unwrap_or_else(|| self.subject.clock().now()),
            processor,
            audit,
            counted,
            pool,
            runs,
            completions: entries
                .into_iter()
                .filter(|entry| entry.settled.ending == Ending::Completed)
                .collect(),
            faults,
        })
    }

    /// Waits for all tasks to end, or for the subject to have none left of them: those are lost, and no
    /// waiting brings them back.
    fn wait(&self) -> Result<bool> {
        let deadline = Instant::now() + BOUND;
        let mut ended = self.ledger.ended();
        while Instant::now() < deadline {
            if self.ledger.wait(STANDSTILL) {
                return Ok(true);
            }
            let now = self.ledger.ended();
            if now == ended {
                let left = self.subject.census(DEFAULT_QUEUE)?;
                // What it counts may have ended since.
                if left == Census::default() && self.ledger.ended() == ended {
                    return Ok(self.ledger.wait(STANDSTILL));
                }
            }
            ended = now;
        }
        Ok(false)
    }
}

impl Worked {
    /// From the start of the pool to the last commit.
    #[must_use]
    pub fn took(&self) -> Duration {
        self.ended.since(self.started)
    }

    /// What was counted, by the names of the record.
    #[must_use]
    pub fn counters(&self) -> BTreeMap<String, u64> {
        let counts = [
            ("enqueued", self.audit.enqueued),
            ("completed", self.audit.completed),
            ("lost", self.audit.lost),
            ("duplicated", self.audit.duplicated),
            ("busy_errors", self.counted.busy_errors),
            ("busy_waits", self.counted.busy_waits),
            ("claim_conflicts", self.counted.claim_conflicts),
            ("empty_polls", self.counted.empty_polls),
            ("write_transactions", self.counted.write_transactions),
        ];
        counts.into_iter().map(|(name, count)| (name.to_owned(), count)).collect()
    }
}
