//! One round of one queue: all workloads one after the other in one process, and the balance of all their tasks.

mod balance;
mod closed;
mod open;
mod run;
mod sizes;

pub(super) use balance::balance;
pub use sizes::Sizes;

use std::time::Duration;

use prismq_driver::message::Choice;

use super::workloads::Reading;
use crate::conformance::Candidate;
use crate::subject::remote::{Result, Session};
use run::Run;

/// One caller, each task after the answer to the one before.
const ENQUEUE_ONE: &str = "enqueue, 1 caller";
/// Eight callers.
const ENQUEUE_MANY: &str = "enqueue, 8 callers";
/// What these enqueued is run by eight workers.
const DRAIN: &str = "drain, 8 workers";
/// Both at once.
const PIPELINE: &str = "pipeline, 4 callers and 8 workers";
/// An idle crew is given a task now and then.
const WAKE: &str = "wake-up of an idle crew";
/// The same absolute rates for all, so that their latencies can be compared.
const RATES: [(&str, u64); 2] =
    [("open loop, 200 tasks/s", 200), ("open loop, 1000 tasks/s", 1_000)];
const WAKES: u64 = 20;
const WAKE_INTERVAL: Duration = Duration::from_millis(40);

const MANY: u32 = 8;
const PIPELINE_CALLERS: u32 = 4;
/// From a request to the first task of an open load.
pub(super) const LEAD: Duration = Duration::from_millis(100);
pub(super) const BUDGET: Duration = Duration::from_secs(120);

/// Measures one round, and returns its figures and why they must not be used.
///
/// # Errors
/// If the driver cannot be used as the protocol has it.
pub fn round(
    candidate: &Candidate,
    choice: Choice,
    sizes: Sizes,
) -> Result<(Vec<Reading>, Vec<String>)> {
    let directory = candidate.fresh()?;
    let (launch, bounds) = (&candidate.launch, candidate.bounds);
    let session = Session::open(launch, bounds, directory.path(), true, choice)?;
    let mut run = Run::new(session, candidate, sizes)?;
    run.enqueue()?;
    run.drain()?;
    run.pipeline()?;
    run.rates()?;
    run.wake()?;
    run.end()
}
