//! A pool with nothing to do: what does it cost?

use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

use crate::base::clock::processor_time;
use crate::base::error::{Error, Result};
use crate::scenario::drain::{LEASE, STOP_BOUND};
use crate::scenario::stage::Stage;
use crate::subject::{Census, Counters, Crew};

/// Until then a pool may still be starting up.
const SETTLING: Duration = Duration::from_millis(100);

/// What idling came to.
#[derive(Debug, Clone)]
pub struct Idled {
    /// How long it was watched.
    pub watched: Duration,
    /// Processor time of the whole process.
    pub processor: Duration,
    /// What the engine met.
    pub met: Counters,
    /// Why the figures must not be used, if they must not.
    pub faults: Vec<String>,
}

/// Watches an idle pool on a new database.
///
/// # Errors
/// If the engine fails.
pub fn idle(stage: &Stage, workers: usize, watched: Duration) -> Result<Idled> {
    let database = stage.database(workers)?;
    let engine = database.engine();
    let crew = Crew {
        workers,
        lease: LEASE,
        handlers: vec![("idle", Arc::new(|_| Ok(())))],
        listener: Arc::new(|_| {}),
    };
    let running = engine.start(crew).map_err(Error::engine("start a pool"))?;
    thread::sleep(SETTLING);
    let (before, used, started) = (engine.counters(), processor_time(), Instant::now());
    thread::sleep(watched);
    let watched = started.elapsed();
    let processor = processor_time().saturating_sub(used);
    let met = engine.counters().since(before);
    let mut faults = running.stop(STOP_BOUND).errors;
    let census = engine.census().map_err(Error::engine("count its tasks"))?;
    if census != Census::default() {
        faults.push(format!("there were tasks: {census:?}"));
    }
    Ok(Idled { watched, processor, met, faults })
}
