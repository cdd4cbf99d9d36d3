//! Callers that each enqueue one task a call, as fast as they are answered.

use std::collections::{BTreeMap, HashSet};
use std::path::Path;
use std::time::Duration;

use hdrhistogram::Histogram;
use prismq_record as record;

use crate::base::error::Result;
use crate::base::number::as_f64;
use crate::load::tasks::numbered;
use crate::observe::sampler;
use crate::observe::task_times::{Latencies, traces};
use crate::observe::timeline::{Marks, intervals, phase};
use crate::observe::written::Written;
use crate::scenario::drain::EVERY;
use crate::scenario::stage::{Database, Stage};
use crate::subject::{Census, Counters, DEFAULT_QUEUE, Load, Pace, server_time};

const TASK_TYPE: &str = "enqueue";

/// Who enqueues how much.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Enqueue {
    /// Threads.
    pub callers: usize,
    /// Tasks of all of them.
    pub tasks: usize,
}

/// Tasks that were enqueued.
#[derive(Debug, Clone)]
pub struct Enqueued {
    /// Tasks of all callers.
    pub tasks: u64,
    /// From when all callers were ready to the last answer.
    pub took: Duration,
    /// From each call to its answer, in nanoseconds.
    pub publish: Histogram<u64>,
    /// What the subject counted.
    pub counted: Counters,
    /// What the process wrote meanwhile, where the system counts it.
    pub written: Option<Written>,
    /// The processor time of the queue's server meanwhile, if the run has started one.
    pub server: Option<Duration>,
    /// The round over time.
    pub course: record::Round,
    /// Reasons why the figures are invalid.
    pub faults: Vec<String>,
}

impl Enqueued {
    /// Tasks enqueued in a second.
    #[must_use]
    pub fn per_s(&self) -> f64 {
        as_f64(self.tasks) / self.took.as_secs_f64()
    }
}

/// Enqueues into a new database.
///
/// # Errors
/// If the subject fails.
pub fn enqueue(stage: &Stage, load: Enqueue) -> Result<Enqueued> {
    let mut enqueuer = Enqueuer::open(stage, load.callers)?;
    let mut enqueued = enqueuer.turn(load.tasks)?;
    enqueued.faults.extend(enqueuer.close()?);
    Ok(enqueued)
}

/// A new database to enqueue into, in one turn or in several. A database that is new in every turn would be
/// measured before its WAL has its length and before its first checkpoint.
pub struct Enqueuer {
    database: Database,
    callers: usize,
    tasks: u64,
}

impl Enqueuer {
    /// Opens it for this many callers.
    ///
    /// # Errors
    /// If the subject fails.
    pub fn open(stage: &Stage, callers: usize) -> Result<Self> {
        // A subject with a connection a worker then has one for each caller.
        Ok(Self { database: stage.database(callers)?, callers, tasks: 0 })
    }

    /// Its path.
    #[must_use]
    pub fn path(&self) -> &Path {
        self.database.path()
    }

    /// Enqueues tasks next to those of the turns before.
    ///
    /// # Errors
    /// If the subject fails.
    pub fn turn(&mut self, tasks: usize) -> Result<Enqueued> {
        let subject = self.database.subject();
        let new = numbered(TASK_TYPE, tasks);
        let counted_before = subject.counters();
        let (written_before, server_before) = (Written::by_this_process(), server_time());
        let (offered, samples) = sampler::during(subject, EVERY, || {
            subject.enqueue(&Load {
                tasks: &new,
                pace: Pace::UNPACED,
                callers: self.callers,
                batch: 1,
                stop: None,
            })
        })?;
        // On a server, it is not this process that writes.
        let written = subject.file().and_then(|_| Written::since(written_before));
        let server =
            server_time().zip(server_before).map(|(after, before)| after.saturating_sub(before));
        let (began, took) = (offered.began, offered.took());
        let counted = subject.counters().since(counted_before);
        let census = subject.census(DEFAULT_QUEUE)?;
        let ids: HashSet<i64> = offered.arrivals.iter().map(|arrival| arrival.id).collect();
        let all_given = ids.len() == tasks;
        let tasks = u64::try_from(tasks).unwrap_or(u64::MAX);
        self.tasks += tasks;
        let mut faults = Vec::new();
        if !all_given || census != self.census() {
            let ids = ids.len();
            faults.push(format!("{tasks} tasks were enqueued, {ids} ids given, {census:?} found"));
        }
        let traces = traces(&offered.arrivals, &[], &[]);
        let span = (began, began + took);
        let course = record::Round {
            seconds: took.as_secs_f64(),
            counters: BTreeMap::from([
                ("enqueued".to_owned(), tasks),
                ("busy_errors".to_owned(), counted.busy_errors),
                ("busy_waits".to_owned(), counted.busy_waits),
            ]),
            intervals: intervals(began, span, EVERY, &Marks::of(&traces), &samples)?,
            phases: vec![phase("enqueue", began, span.0, span.1)],
            ..record::Round::default()
        };
        let publish = Latencies::of(&traces)?.publish;
        Ok(Enqueued { tasks, took, publish, counted, written, server, course, faults })
    }

    /// Closes the database and has another process count the tasks of all turns in its file. Returns what is
    /// wrong if they are not there.
    ///
    /// # Errors
    /// If the process cannot do so.
    pub fn close(self) -> Result<Option<String>> {
        let expected = self.census();
        self.database.recount(&[DEFAULT_QUEUE], expected)
    }

    /// All tasks of the turns so far wait.
    fn census(&self) -> Census {
        Census { ready: self.tasks, ..Census::default() }
    }
}
