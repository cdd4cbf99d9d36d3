//! How soon a task that is enqueued while a pool idles is begun: from its known commit to its handler,
//! in this process and from another.

use std::time::Duration;

use hdrhistogram::Histogram;

use crate::base::error::Result;
use crate::base::histogram::{add, empty};
use crate::load::pool::{BOUND, STOP_BOUND, pool};
use crate::load::tasks::numbered;
use crate::observe::ledger::Ledger;
use crate::observe::task_times::traces;
use crate::process::{ENQUEUED_TYPE, EnqueueRole, enqueue_elsewhere};
use crate::scenario::stage::Stage;
use crate::subject::{Load, Pace, Work};

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
    /// From the commit to the handler, in nanoseconds; 0 where the handler was faster than the answer.
    pub wake: Histogram<u64>,
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
    let offered = match from {
        From::Here => {
            let tasks = numbered(ENQUEUED_TYPE, tasks);
            let pace = Pace::Closed(REST);
            subject.enqueue(&Load { tasks: &tasks, pace, callers: 1, batch: 1, stop: None })?
        }
        From::Elsewhere => enqueue_elsewhere(EnqueueRole {
            subject: stage.kind(),
            tasks,
            rest: REST,
            path: database.path().to_owned(),
        })?,
    };
    // A task that was not begun by then is found below.
    let _ = ledger.wait(BOUND);
    let mut faults = running.stop(STOP_BOUND).errors;
    let mut wake = empty("wake")?;
    for task in traces(&offered.arrivals, &ledger.take_runs(), &[]) {
        match task.run {
            Some(run) => add(&mut wake, run.started.since(task.arrival.committed)),
            None => {
                let id = task.arrival.id;
                faults.push(format!("task {id} was not begun within {BOUND:?}"));
            }
        }
    }
    Ok(WakeRound { wake, faults })
}
