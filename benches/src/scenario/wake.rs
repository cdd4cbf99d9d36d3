//! How soon a task that is enqueued while a pool idles is begun, in this process and from another: how much later
//! than its commit.
//!
//! A commit has no time of its own that could be read: a caller knows of it when its call returns. A pool of the same
//! process may be woken by the committing thread before that call returns, so that the time from the known commit to the
//! handler would be 0, however long the wake-up made the call. There, the commit is taken to be known when a call
//! returns that wakes nobody: the same tasks are enqueued in turn into a second database without a pool, and their
//! median call is subtracted.

use std::thread;
use std::time::Duration;

use hdrhistogram::Histogram;

use crate::base::error::Result;
use crate::base::histogram::{add, empty};
use crate::load::pool::{BOUND, STOP_BOUND, pool};
use crate::load::tasks::{fill, numbered};
use crate::observe::ledger::Ledger;
use crate::observe::task_times::{TaskTrace, traces};
use crate::process::{ENQUEUED_TYPE, EnqueueRole, enqueue_elsewhere};
use crate::reference::Turns;
use crate::scenario::stage::Stage;
use crate::subject::{Arrival, Subject, TaskSpec, Work};

/// Before each task, so that the pool idles again.
pub const REST: Duration = Duration::from_millis(3);

/// Who enqueues.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum From {
    /// This process.
    Here,
    /// Another.
    Elsewhere,
}

/// Tasks that woke an idle pool.
#[derive(Debug, Clone)]
pub struct WakeRound {
    /// From the commit to the handler, in nanoseconds; 0 where chance made the call shorter than the usual one.
    pub wake: Histogram<u64>,
    /// From the call to the handler, in nanoseconds.
    pub started: Histogram<u64>,
    /// From the call to its answer where that woke no pool of the same process, in nanoseconds.
    pub publish: Histogram<u64>,
    /// Reasons why the figures are invalid.
    pub faults: Vec<String>,
}

/// Enqueues this many tasks one by one into a new database with an idle pool.
///
/// # Errors
/// If the subject or the other process fails.
pub fn wake(stage: &Stage, workers: usize, tasks: usize, from: From) -> Result<WakeRound> {
    let database = stage.database(workers)?;
    let subject = database.subject();
    let ledger = Ledger::expecting(tasks);
    let running = subject.start(&pool(workers, ENQUEUED_TYPE, Work::None), ledger.clone())?;
    let (arrivals, alone) = match from {
        From::Here => in_turns(stage, subject, &numbered(ENQUEUED_TYPE, tasks))?,
        From::Elsewhere => {
            let offered = enqueue_elsewhere(EnqueueRole {
                subject: stage.kind(),
                tasks,
                rest: REST,
                path: database.path().to_owned(),
            })?;
            (offered.arrivals, Vec::new())
        }
    };
    // A task that was not begun by then is found below.
    let _ = ledger.wait(BOUND);
    let mut round = WakeRound {
        wake: empty("wake")?,
        started: empty("started")?,
        publish: empty("publish")?,
        faults: running.stop(STOP_BOUND).errors,
    };
    let calls = if from == From::Here { &alone } else { &arrivals };
    for call in calls {
        add(&mut round.publish, call.committed.since(call.called));
    }
    let usual = Duration::from_nanos(round.publish.value_at_quantile(0.5));
    for task in traces(&arrivals, &ledger.take_runs(), &[]) {
        round.add(&task, (from == From::Here).then_some(usual));
    }
    Ok(round)
}

/// Enqueues the tasks one by one, and each into a database without a pool too, which goes first every other time. The
/// arrivals of both.
fn in_turns(
    stage: &Stage,
    subject: &dyn Subject,
    tasks: &[TaskSpec],
) -> Result<(Vec<Arrival>, Vec<Arrival>)> {
    let database = stage.database(1)?;
    let one = |subject: &dyn Subject, task: &TaskSpec| {
        thread::sleep(REST);
        Ok(fill(subject, &vec![task.clone()], 1)?.arrivals)
    };
    let mut turns = Turns::default();
    let (mut with_pool, mut alone) = (Vec::new(), Vec::new());
    for task in tasks {
        let (woke, woke_nobody) =
            turns.both(|| one(subject, task), || one(database.subject(), task))?;
        with_pool.extend(woke);
        alone.extend(woke_nobody);
    }
    Ok((with_pool, alone))
}

impl WakeRound {
    /// Adds a task; `usual` is how long a call takes that wakes nobody, where that is when its commit is known.
    fn add(&mut self, task: &TaskTrace, usual: Option<Duration>) {
        let Arrival { id, called, committed, .. } = task.arrival;
        match task.run {
            Some(run) => {
                let known = usual.map_or(committed, |usual| called + usual);
                add(&mut self.wake, run.started.since(known));
                add(&mut self.started, run.started.since(called));
            }
            None => self.faults.push(format!("task {id} was not begun within {BOUND:?}")),
        }
    }
}
