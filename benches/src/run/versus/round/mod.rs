//! One round of one queue: all workloads one after the other in one process, and the balance of all their tasks.

mod balance;
mod closed;
mod failing;
mod open;
mod resources;
mod run;
mod saturation;
mod sizes;
mod tokens;

pub(super) use balance::balance;
pub use sizes::Sizes;

use std::time::Duration;

use prismq_driver::message::Choice;

use super::workloads::Figures;
use crate::base::dir_size::dir_size;
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
/// The same, with tasks that another process enqueues.
const WAKE_FROM_OTHER_PROCESS: &str = "wake-up by another process";
/// Each task fails once, and is asked to be run again 20 ms later.
const FAILING: &str = "a failed task, until run again";
/// Tasks are due at a rate that the queue keeps up with.
const SATURATION: &str = "highest rate, p99 within 100 ms";
/// Nothing is enqueued.
const IDLE: &str = "idle crew";
/// Of all processes, once all tasks are done.
const MEMORY: &str = "memory of driver and store";
/// Since the queue was opened, per task run.
const DISK: &str = "growth of the directory";
/// The same absolute rates for all, so that their latencies can be compared.
const RATES: [(&str, u32); 2] =
    [("open loop, 200 tasks/s", 200), ("open loop, 1000 tasks/s", 1_000)];
const FAILURES: u64 = 100;
const FAILS: u8 = 1;
const WAKES: u64 = 20;
/// Tasks that another process enqueues before it is measured: its callers may have yet to connect.
const WARM_UP: u64 = 4;
const WAKE_INTERVAL: Duration = Duration::from_millis(40);

const MANY: u32 = 8;
const PIPELINE_CALLERS: u32 = 4;
/// From a request to the first task of an open load.
pub(super) const LEAD: Duration = Duration::from_millis(100);
pub(super) const BUDGET: Duration = Duration::from_secs(120);

/// Measures one round.
///
/// # Errors
/// If the driver cannot be used as the protocol has it.
pub fn round(candidate: &Candidate, choice: Choice, sizes: Sizes) -> Result<Figures> {
    let directory = candidate.fresh()?;
    let (launch, bounds) = (&candidate.launch, candidate.bounds);
    let session = Session::open(launch, bounds, directory.path(), true, choice)?;
    let empty = dir_size(directory.path()).ok();
    let mut run = Run::new(session, candidate, directory.path(), choice, sizes)?;
    run.enqueue()?;
    run.drain()?;
    run.pipeline()?;
    run.rates()?;
    run.wake()?;
    run.across()?;
    run.failing()?;
    run.saturation()?;
    run.idle();
    run.measure_footprint(empty);
    run.end()
}
