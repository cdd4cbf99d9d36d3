//! Callers that each enqueue one task a call, as fast as they are answered.

use std::collections::{BTreeMap, HashSet};
use std::sync::Barrier;
use std::thread;
use std::time::{Duration, Instant};

use hdrhistogram::Histogram;
use prismq_record as record;

use crate::base::error::{Error, Result};
use crate::base::number::as_f64;
use crate::load::tasks::numbered;
use crate::observe::sampler;
use crate::observe::task_times::{Arrival, Latencies, lives};
use crate::observe::timeline::{Marks, intervals, phase};
use crate::observe::written::Written;
use crate::scenario::drain::EVERY;
use crate::scenario::stage::Stage;
use crate::subject::{Census, Counters, DEFAULT_QUEUE, Engine, EngineError, TaskSpec};

const TASK_TYPE: &str = "enqueue";

/// Who enqueues how much.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Enqueue {
    /// Threads.
    pub callers: usize,
    /// Tasks of all of them.
    pub tasks: usize,
}

/// What enqueuing came to.
#[derive(Debug, Clone)]
pub struct Enqueued {
    /// Tasks of all callers.
    pub tasks: u64,
    /// From when all callers stood ready to the last answer.
    pub took: Duration,
    /// From each call to its answer, in nanoseconds.
    pub publish: Histogram<u64>,
    /// What the engine met.
    pub met: Counters,
    /// What the process wrote meanwhile, where the system counts it.
    pub written: Option<Written>,
    /// The round over time.
    pub course: record::Round,
    /// Why the figures must not be used, if they must not.
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
/// If the engine fails.
pub fn enqueue(stage: &Stage, load: Enqueue) -> Result<Enqueued> {
    // An engine with a connection a worker then has one for each caller.
    let database = stage.database(load.callers)?;
    let subject = database.subject();
    let tasks = numbered(TASK_TYPE, load.tasks);
    let before = Written::by_this_process();
    let ((started, took, arrivals), samples) = sampler::beside(&subject, EVERY, || {
        let share = load.tasks.div_ceil(load.callers.max(1)).max(1);
        call_all(subject.engine, tasks.chunks(share))
    })?;
    let written = Written::since(before);
    let met = subject.engine.counters();
    let census = subject.engine.census().map_err(Error::engine("count its tasks"))?;
    let ids: HashSet<i64> = arrivals.iter().map(|arrival| arrival.id).collect();
    let tasks = u64::try_from(load.tasks).unwrap_or(u64::MAX);
    let mut faults = Vec::new();
    if ids.len() != load.tasks || census != (Census { ready: tasks, ..Census::default() }) {
        let ids = ids.len();
        faults.push(format!("{tasks} tasks were enqueued, {ids} ids given, {census:?} found"));
    }
    let lives = lives(&arrivals, &[], &[]);
    let span = (started, started + took);
    let course = record::Round {
        seconds: took.as_secs_f64(),
        counters: BTreeMap::from([
            ("enqueued".to_owned(), tasks),
            ("busy_errors".to_owned(), met.busy_errors),
            ("busy_waits".to_owned(), met.busy_waits),
        ]),
        intervals: intervals(started, span, EVERY, &Marks::of(&lives), &samples)?,
        phases: vec![phase("enqueue", started, span.0, span.1)],
        ..record::Round::default()
    };
    let publish = Latencies::of(&lives)?.publish;
    faults.extend(database.recount(&[DEFAULT_QUEUE], census)?);
    Ok(Enqueued { tasks, took, publish, met, written, course, faults })
}

/// Lets each caller enqueue its share, from when all of them stand ready.
fn call_all<'a>(
    engine: &dyn Engine,
    shares: impl ExactSizeIterator<Item = &'a [TaskSpec]>,
) -> Result<(Instant, Duration, Vec<Arrival>)> {
    let ready = Barrier::new(shares.len() + 1);
    let (started, took, answers) = thread::scope(|scope| {
        let callers: Vec<_> = shares
            .map(|share| {
                let ready = &ready;
                scope.spawn(move || {
                    ready.wait();
                    call(engine, share)
                })
            })
            .collect();
        ready.wait();
        let started = Instant::now();
        let answers: Vec<_> = callers.into_iter().map(thread::ScopedJoinHandle::join).collect();
        (started, started.elapsed(), answers)
    });
    let mut arrivals = Vec::new();
    for answer in answers {
        let answer = answer.map_err(|_| Error::Panicked { what: "a caller" })?;
        arrivals.extend(answer.map_err(Error::engine("enqueue"))?);
    }
    Ok((started, took, arrivals))
}

/// Each call follows the answer to the one before.
fn call(engine: &dyn Engine, tasks: &[TaskSpec]) -> Result<Vec<Arrival>, EngineError> {
    let mut called = Instant::now();
    let mut arrivals = Vec::with_capacity(tasks.len());
    for task in tasks {
        let id = insist(engine, task)?;
        let committed = Instant::now();
        arrivals.push(Arrival { id, intended: called, free: called, called, committed });
        called = committed;
    }
    Ok(arrivals)
}

/// Enqueues again and again while the answer is busy, which the engine counts.
fn insist(engine: &dyn Engine, task: &TaskSpec) -> Result<i64, EngineError> {
    loop {
        match engine.enqueue(task) {
            Err(error) if error.is_busy() => {}
            answer => return answer,
        }
    }
}
