//! A process with a worker pool of its own on a shared database.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use super::{Role, Running, listen, say};
use crate::base::error::Result;
use crate::load::pool::{STOP_BOUND, pool};
use crate::load::service_time::ServiceTime;
use crate::observe::ledger::{Ledger, ids_that};
use crate::subject::{Ending, OpenOptions, Run, SubjectKind, Work};

/// The type of the tasks it works on.
pub const DRAINED_TYPE: &str = "drained_elsewhere";

/// How the process is to work.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DrainRole {
    /// The subject to use.
    pub subject: SubjectKind,
    /// Threads of its pool.
    pub workers: usize,
    /// What its handlers do; nothing if `None`.
    pub service_time: Option<ServiceTime>,
    /// The database.
    pub path: PathBuf,
}

/// What the process did.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct DrainerReport {
    /// Tasks whose completion it committed, once for each time.
    pub completed: Vec<i64>,
    /// Each run of a handler.
    pub runs: Vec<Run>,
    /// Operations answered busy.
    pub busy_errors: u64,
    /// Claims that saw a task and lost it.
    pub claim_conflicts: u64,
    /// Other errors.
    pub errors: Vec<String>,
}

pub(super) fn run(role: &DrainRole) -> Result<()> {
    let subject = role.subject.open(&role.path, OpenOptions::durable(role.workers))?;
    let ledger = Ledger::expecting(0);
    say(&())?;
    listen();
    let work = role.service_time.map_or(Work::None, |service_time| service_time.work());
    let running = subject.start(&pool(role.workers, DRAINED_TYPE, work), ledger.clone())?;
    listen();
    let pool = running.stop(STOP_BOUND);
    let counted = subject.counters();
    say(&DrainerReport {
        completed: ids_that(&ledger.entries(), Ending::Completed),
        runs: ledger.take_runs(),
        busy_errors: counted.busy_errors,
        claim_conflicts: counted.claim_conflicts,
        errors: pool.errors,
    })
}

/// A process with a pool.
#[derive(Debug)]
pub struct Drainer {
    running: Running,
}

impl Drainer {
    /// Starts it; it has opened the database when this returns.
    ///
    /// # Errors
    /// [`Error::Child`](crate::base::error::Error::Child) if it did not get as far.
    pub fn open(role: DrainRole) -> Result<Self> {
        let mut running = Running::start(&Role::Drain(role))?;
        running.answer::<()>()?;
        Ok(Self { running })
    }

    /// Lets it start its pool.
    ///
    /// # Errors
    /// [`Error::Child`](crate::base::error::Error::Child) if it is gone.
    pub fn go(&mut self) -> Result<()> {
        self.running.go_on()
    }

    /// Stops its pool and asks what it did.
    ///
    /// # Errors
    /// [`Error::Child`](crate::base::error::Error::Child) if it does not say.
    pub fn stop(mut self) -> Result<DrainerReport> {
        self.running.go_on()?;
        self.running.answer()
    }
}
