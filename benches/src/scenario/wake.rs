//! How soon a task that is enqueued while a pool idles is begun: from its known commit to its handler,
//! in this process and from another.

use std::collections::HashMap;
use std::sync::Arc;
use std::thread;
use std::time::Duration;

use crossbeam::channel::{Receiver, Sender, unbounded};
use hdrhistogram::Histogram;

use crate::base::clock::monotonic;
use crate::base::error::{Error, Result};
use crate::base::histogram::{add, empty};
use crate::load::tasks::numbered;
use crate::process::{ENQUEUED_TYPE, EnqueueOrder, Enqueued, enqueue_elsewhere};
use crate::scenario::drain::{BOUND, LEASE, STOP_BOUND};
use crate::scenario::stage::Stage;
use crate::subject::{Crew, Engine, RunningCrew};

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

/// What waking came to.
#[derive(Debug, Clone)]
pub struct Woken {
    /// From the commit to the handler, in nanoseconds; 0 where the handler was faster than the answer.
    pub wake: Histogram<u64>,
    /// Why the figures must not be used, if they must not.
    pub faults: Vec<String>,
}

/// A handler that began.
struct Begun {
    id: i64,
    at: Duration,
}

/// Enqueues so many tasks one by one into a new database with an idle pool.
///
/// # Errors
/// If the engine or the other process fails.
pub fn wake(stage: &Stage, workers: usize, tasks: usize, from: From) -> Result<Woken> {
    let database = stage.database(workers)?;
    let engine = database.engine();
    let (begun, begins) = unbounded();
    let running = start(engine, workers, begun)?;
    let enqueued = match from {
        From::Here => enqueue_here(engine, tasks)?,
        From::Elsewhere => enqueue_elsewhere(EnqueueOrder {
            engine: stage.kind(),
            tasks,
            rest: REST,
            path: database.path().to_owned(),
        })?,
    };
    let begins = gather(&begins, tasks);
    let mut faults = running.stop(STOP_BOUND).errors;
    let mut wake = empty("wake")?;
    for task in &enqueued {
        match begins.get(&task.id) {
            Some(at) => add(&mut wake, at.saturating_sub(task.committed)),
            None => faults.push(format!("task {} was not begun within {BOUND:?}", task.id)),
        }
    }
    Ok(Woken { wake, faults })
}

fn start(
    engine: &dyn Engine,
    workers: usize,
    begun: Sender<Begun>,
) -> Result<Box<dyn RunningCrew>> {
    let crew = Crew {
        workers,
        lease: LEASE,
        handlers: vec![(
            ENQUEUED_TYPE,
            Arc::new(move |attempt| {
                let at = monotonic();
                begun.send(Begun { id: attempt.id, at }).map_err(|_| "nobody listens".to_owned())
            }),
        )],
        listener: Arc::new(|_| {}),
    };
    engine.start(crew).map_err(Error::engine("start a pool"))
}

fn enqueue_here(engine: &dyn Engine, tasks: usize) -> Result<Vec<Enqueued>> {
    let mut enqueued = Vec::with_capacity(tasks);
    for task in numbered(ENQUEUED_TYPE, tasks) {
        thread::sleep(REST);
        let id = engine.enqueue(&task).map_err(Error::engine("enqueue"))?;
        enqueued.push(Enqueued { id, committed: monotonic() });
    }
    Ok(enqueued)
}

/// When each task was begun, for as many as are within the bound.
fn gather(begins: &Receiver<Begun>, tasks: usize) -> HashMap<i64, Duration> {
    let mut found = HashMap::with_capacity(tasks);
    while found.len() < tasks
        && let Ok(begun) = begins.recv_timeout(BOUND)
    {
        found.insert(begun.id, begun.at);
    }
    found
}
