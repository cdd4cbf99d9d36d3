//! On a server: callers that enqueue while other processes wait for tasks of another type.

use std::thread;
use std::time::{Duration, Instant};

use crate::base::error::{Error, Result};
use crate::process::{DrainRole, Drainer};
use crate::scenario::enqueue::{Enqueue, Enqueued, Enqueuer};
use crate::scenario::stage::Stage;
use crate::subject::local::server::listeners;

/// How long pools may take to begin to listen.
const START_BOUND: Duration = Duration::from_secs(20);
const INTERVAL: Duration = Duration::from_millis(10);

/// Enqueues into a new database while this many other processes, each with a pool, are notified of it. Callers begin
/// `settling` after the pools listen.
///
/// # Errors
/// If the subject or a process fails, or the pools do not begin to listen.
pub fn enqueue_with_idle_pools(
    stage: &Stage,
    load: Enqueue,
    pools: usize,
    settling: Duration,
) -> Result<Enqueued> {
    let mut enqueuer = Enqueuer::open(stage, load.callers)?;
    let role = DrainRole {
        subject: stage.kind(),
        workers: 1,
        service_time: None,
        path: enqueuer.path().to_owned(),
    };
    let idle = (0..pools).map(|_| Drainer::open(role.clone()));
    let mut idle = idle.collect::<Result<Vec<_>>>()?;
    idle.iter_mut().try_for_each(Drainer::go)?;
    let started = Instant::now();
    while listeners(enqueuer.path()).map_err(Error::subject("count sessions"))? < pools {
        if started.elapsed() > START_BOUND {
            let reason = format!("{pools} pools do not listen after {START_BOUND:?}");
            return Err(Error::Unfit { reason });
        }
        thread::sleep(INTERVAL);
    }
    thread::sleep(settling);
    let mut enqueued = enqueuer.turn(load.tasks)?;
    for pool in idle {
        enqueued.faults.extend(pool.stop()?.errors);
    }
    enqueued.faults.extend(enqueuer.close()?);
    Ok(enqueued)
}
