//! A process with a worker pool of its own on a shared database.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use super::{Order, Running, listen, say};
use crate::base::error::{Error, Result};
use crate::load::labour::{Labour, Span, Spans};
use crate::load::pool::{LEASE, STOP_BOUND};
use crate::load::tasks::handler;
use crate::observe::ledger::{Ledger, ids_run, ids_that};
use crate::subject;
use crate::subject::{Crew, Durability, Ending, EngineKind};

/// The type of the tasks it works on.
pub const DRAINED_TYPE: &str = "drained_elsewhere";

/// How the process is to work.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DrainOrder {
    /// The engine to use.
    pub engine: EngineKind,
    /// Threads of its pool.
    pub workers: usize,
    /// What its handlers do; nothing if `None`.
    pub labour: Option<Labour>,
    /// The database.
    pub path: PathBuf,
}

/// What the process did.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct DrainerReport {
    /// Tasks whose completion it committed, once for each time.
    pub completed: Vec<i64>,
    /// Tasks its handlers ran for, once for each time.
    pub runs: Vec<i64>,
    /// What its handlers did and when, where they did anything.
    pub spans: Vec<Span>,
    /// Operations answered busy.
    pub busy_errors: u64,
    /// Claims that saw a task and lost it.
    pub claim_conflicts: u64,
    /// What else went wrong.
    pub errors: Vec<String>,
}

pub(super) fn obey(order: &DrainOrder) -> Result<()> {
    let engine = subject::open(order.engine, &order.path, order.workers, Durability::Full)?;
    let ledger = Ledger::expecting(0);
    say(&())?;
    listen();
    let spans = Spans::default();
    let work = spans.record(order.labour);
    let crew = Crew {
        workers: order.workers,
        lease: LEASE,
        handlers: vec![(DRAINED_TYPE, handler(&ledger, move |number| work(number)))],
        listener: ledger.listener(),
    };
    let running = engine.start(crew).map_err(Error::engine("start a pool"))?;
    listen();
    let crew = running.stop(STOP_BOUND);
    let met = engine.counters();
    say(&DrainerReport {
        completed: ids_that(&ledger.entries(), Ending::Completed),
        runs: ids_run(&ledger.take_runs()),
        spans: spans.take(),
        busy_errors: met.busy_errors,
        claim_conflicts: met.claim_conflicts,
        errors: crew.errors,
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
    /// [`Error::Child`] if it did not get as far.
    pub fn open(order: DrainOrder) -> Result<Self> {
        let mut running = Running::start(&Order::Drain(order))?;
        running.answer::<()>()?;
        Ok(Self { running })
    }

    /// Lets it start its pool.
    ///
    /// # Errors
    /// [`Error::Child`] if it is gone.
    pub fn go(&mut self) -> Result<()> {
        self.running.tell()
    }

    /// Stops its pool and asks what it did.
    ///
    /// # Errors
    /// [`Error::Child`] if it does not say.
    pub fn stop(mut self) -> Result<DrainerReport> {
        self.running.tell()?;
        self.running.answer()
    }
}
