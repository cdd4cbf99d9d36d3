//! The drain of [`super::drain`] with nothing measured but its length: no task's times, no books, no
//! samples. What the same drain takes longer with all of it is what measuring costs.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::sync_channel;
use std::time::{Duration, Instant};

use crate::base::error::{Error, Result};
use crate::load::pool::{BOUND, LEASE, STOP_BOUND};
use crate::load::tasks::{number_of, sized};
use crate::scenario::drain::{Drain, TASK_TYPE, fill};
use crate::scenario::stage::Stage;
use crate::subject::Crew;

/// From the start of the pool to the last commit.
///
/// # Errors
/// If the engine fails or the backlog is not drained.
pub fn bare_drain(stage: &Stage, load: &Drain) -> Result<Duration> {
    let database = stage.database(load.workers)?;
    let engine = database.engine();
    fill(engine, &sized(TASK_TYPE, load.tasks, load.payload_bytes))?;
    let (done, ended) = sync_channel(1);
    let (work, left) = (load.work.clone(), AtomicUsize::new(load.tasks));
    let crew = Crew {
        workers: load.workers,
        lease: LEASE,
        handlers: vec![(
            TASK_TYPE,
            Arc::new(move |attempt| {
                work(number_of(attempt.payload).ok_or("the payload is not the one enqueued")?);
                Ok(())
            }),
        )],
        listener: Arc::new(move |_| {
            if left.fetch_sub(1, Ordering::Relaxed) == 1 {
                // Nobody waits any more only if it was given up.
                let _ = done.try_send(Instant::now());
            }
        }),
    };
    let started = Instant::now();
    let running = engine.start(crew).map_err(Error::engine("start a pool"))?;
    let ended = ended.recv_timeout(BOUND);
    running.stop(STOP_BOUND);
    match ended {
        Ok(ended) => Ok(ended.saturating_duration_since(started)),
        Err(_) => {
            Err(Error::Unfit { reason: format!("a backlog was not drained within {BOUND:?}") })
        }
    }
}
