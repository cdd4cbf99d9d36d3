//! A pool with nothing to do: what does it cost?

use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

use crate::base::clock::processor_time;
use crate::base::error::Result;
use crate::load::pool::{STOP_BOUND, pool};
use crate::observe::ledger::Ledger;
use crate::scenario::stage::Stage;
use crate::subject::{Census, Counters, DEFAULT_QUEUE, Work};

/// An idle pool, watched.
#[derive(Debug, Clone)]
pub struct IdleRound {
    /// How long it was watched.
    pub watched: Duration,
    /// Processor time of the whole process.
    pub processor: Duration,
    /// What the subject counted.
    pub counted: Counters,
    /// Reasons why the figures are invalid.
    pub faults: Vec<String>,
}

/// Watches an idle pool on a new database, once it has had this long to settle: until then it starts, and looks for the
/// first time at what is due, kept too long or left by others.
///
/// # Errors
/// If the subject fails.
pub fn idle(
    stage: &Stage,
    workers: usize,
    settling: Duration,
    watched: Duration,
) -> Result<IdleRound> {
    let database = stage.database(workers)?;
    let subject = database.subject();
    let ledger: Arc<Ledger> = Ledger::expecting(0);
    let running = subject.start(&pool(workers, "idle", Work::None), ledger)?;
    thread::sleep(settling);
    let (before, used, started) = (subject.counters(), processor_time(), Instant::now());
    thread::sleep(watched);
    let watched = started.elapsed();
    let processor = processor_time().saturating_sub(used);
    let counted = subject.counters().since(before);
    let mut faults = running.stop(STOP_BOUND).errors;
    let census = subject.census(DEFAULT_QUEUE)?;
    if census != Census::default() {
        faults.push(format!("there were tasks: {census:?}"));
    }
    Ok(IdleRound { watched, processor, counted, faults })
}
