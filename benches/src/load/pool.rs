//! A worker pool at work on a known number of tasks, with books kept of each: the part that every load
//! has in common, whoever enqueues.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use crate::base::error::{Error, Result};
use crate::load::tasks::handler;
use crate::observe::audit::Audit;
use crate::observe::ledger::{Entry, Ledger, Run, ids_run, ids_that};
use crate::subject::under_test::Subject;
use crate::subject::{Census, Counters, Crew, CrewReport, Ending, RunningCrew};

/// A workload that has not ended by then is not slow but stuck.
pub const BOUND: Duration = Duration::from_secs(120);
/// How long a stopping pool may take.
pub const STOP_BOUND: Duration = Duration::from_secs(30);
/// The lease of the pools' claims.
pub const LEASE: Duration = Duration::from_secs(60);
/// After so long without any task ending, the engine is asked whether it has any left.
const STANDSTILL: Duration = Duration::from_millis(250);

/// What a task of a given number does in its handler.
pub type Work = Arc<dyn Fn(u64) + Send + Sync>;

/// A pool at work.
pub struct Pool<'a> {
    subject: &'a Subject<'a>,
    ledger: Arc<Ledger>,
    running: Box<dyn RunningCrew>,
    before: Counters,
    started: Instant,
}

/// What a pool has done once it has stopped.
#[derive(Debug, Clone)]
pub struct Worked {
    /// When it was started.
    pub started: Instant,
    /// When the last commit was known.
    pub ended: Instant,
    /// Whether every task was done once.
    pub audit: Audit,
    /// What the engine met meanwhile.
    pub met: Counters,
    /// What the pool says of itself.
    pub crew: CrewReport,
    /// Every run of a handler.
    pub runs: Vec<Run>,
    /// Every committed completion.
    pub completions: Vec<Entry>,
    /// Why the figures must not be used, if they must not.
    pub faults: Vec<String>,
}

impl<'a> Pool<'a> {
    /// Starts a pool for so many tasks of a type.
    ///
    /// # Errors
    /// [`Error::Engine`] if there can be none.
    pub fn start(
        subject: &'a Subject<'a>,
        task_type: &'static str,
        workers: usize,
        tasks: usize,
        work: &Work,
    ) -> Result<Self> {
        let ledger = Ledger::by(subject.clock.clone(), tasks);
        let work = work.clone();
        let crew = Crew {
            workers,
            lease: LEASE,
            handlers: vec![(task_type, handler(&ledger, move |number| work(number)))],
            listener: ledger.listener(),
        };
        let before = subject.engine.counters();
        let started = subject.clock.now();
        let running = subject.engine.start(crew).map_err(Error::engine("start a pool"))?;
        Ok(Self { subject, ledger, running, before, started })
    }

    /// Waits until all tasks have ended, stops the pool and balances its books.
    ///
    /// # Errors
    /// [`Error::Engine`] if it cannot be asked what is left.
    pub fn finish(self, enqueued: &[i64]) -> Result<Worked> {
        let engine = self.subject.engine;
        let in_time = self.wait()?;
        let met = engine.counters().since(self.before);
        let crew = self.running.stop(STOP_BOUND);

        let entries = self.ledger.entries();
        let runs = self.ledger.take_runs();
        let audit =
            Audit::balance(enqueued, &ids_that(&entries, Ending::Completed), &ids_run(&runs));
        let census = engine.census().map_err(Error::engine("count its tasks"))?;
        let mut faults = audit.faults();
        if !in_time && audit.lost == 0 {
            faults.push(format!("the tasks were not done within {BOUND:?}"));
        }
        if census != Census::default() {
            faults.push(format!("tasks were left in the queue: {census:?}"));
        }
        faults.extend(crew.errors.iter().cloned());
        let ended = entries.iter().map(|entry| entry.at).max();
        Ok(Worked {
            started: self.started,
            ended: ended.unwrap_or_else(|| self.subject.clock.now()),
            audit,
            met,
            crew,
            runs,
            completions: entries
                .into_iter()
                .filter(|entry| entry.settled.ending == Ending::Completed)
                .collect(),
            faults,
        })
    }

    /// Waits for all tasks to end, or for the engine to have none left of them: those are lost, and no
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
                let left =
                    self.subject.engine.census().map_err(Error::engine("count its tasks"))?;
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
        self.ended.saturating_duration_since(self.started)
    }

    /// What was counted, by the names of the record.
    #[must_use]
    pub fn counters(&self) -> BTreeMap<String, u64> {
        let counts = [
            ("enqueued", self.audit.enqueued),
            ("completed", self.audit.completed),
            ("lost", self.audit.lost),
            ("duplicated", self.audit.duplicated),
            ("busy_errors", self.met.busy_errors),
            ("busy_waits", self.met.busy_waits),
            ("claim_conflicts", self.met.claim_conflicts),
            ("empty_polls", self.met.empty_polls),
            ("write_transactions", self.met.write_transactions),
        ];
        counts.into_iter().map(|(name, count)| (name.to_owned(), count)).collect()
    }
}
