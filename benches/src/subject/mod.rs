//! What an engine under test must offer, and nothing of how it does so.
//!
//! Behind the trait stand [`local::prismq`], the queue of this workspace, and two yardsticks in [`local::pooled`]: a
//! pool of connections, the design most teams start with, and one connection behind a mutex, what
//! they come to next. `PRISMQ_ENGINE` chooses.

pub mod local;
mod names;
mod open;
pub mod under_test;

use std::env;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use serde::{Deserialize, Serialize};
use thiserror::Error;

use crate::base::error::Error;

use local::pooled::{self, PooledEngine, Sharing};
use local::prismq::PrismqEngine;

pub use names::lasting;
pub use open::open;
pub use prismq::{Durability, Order};

const VARIABLE: &str = "PRISMQ_ENGINE";

/// The queue that every engine has.
pub const DEFAULT_QUEUE: &str = "default";
/// The priority of a task that is not given another.
pub const DEFAULT_PRIORITY: i32 = 100;

/// A task to be enqueued.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TaskSpec {
    /// The queue it goes to.
    pub queue: &'static str,
    /// Its priority, lower numbers first.
    pub priority: i32,
    /// Decides which handler runs it.
    pub task_type: &'static str,
    /// Bytes for the handler.
    pub payload: Vec<u8>,
    /// Attempts it is given.
    pub max_attempts: u32,
}

/// One attempt at a task, as a handler sees it.
#[derive(Debug, Clone, Copy)]
pub struct Attempt<'a> {
    /// The task.
    pub id: i64,
    /// Its bytes.
    pub payload: &'a [u8],
    /// Which attempt this is, from 1.
    pub number: u32,
}

/// What runs a task. An error fails the attempt; so does a panic, which must not reach other tasks.
pub type Handler = Arc<dyn Fn(&Attempt<'_>) -> Result<(), String> + Send + Sync>;

/// How an attempt ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ending {
    /// Well; the task is done.
    Completed,
    /// Badly; the task runs again.
    Retried,
    /// Badly, for the last time.
    Dead,
    /// Not begun, given back.
    Released,
    /// Too late: the lease no longer held.
    LeaseLost,
}

/// A committed attempt.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Settled {
    /// The task.
    pub id: i64,
    /// Which attempt it was, from 1.
    pub attempt: u32,
    /// How it ended.
    pub ending: Ending,
}

/// Who is told of each attempt, after its commit.
pub type Listener = Arc<dyn Fn(&Settled) + Send + Sync>;

/// A worker pool to be started.
#[derive(Clone)]
pub struct Crew {
    /// Threads that run handlers.
    pub workers: usize,
    /// How long a task stays the pool's if it dies.
    pub lease: Duration,
    /// What runs each type of task.
    pub handlers: Vec<(&'static str, Handler)>,
    /// Who is told of each attempt.
    pub listener: Listener,
}

/// What the engine met since the database was opened.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Counters {
    /// Operations answered busy after the whole wait.
    pub busy_errors: u64,
    /// Times a connection waited for the write lock.
    pub busy_waits: u64,
    /// Claims that saw a task and lost it.
    pub claim_conflicts: u64,
    /// Claims that found nothing.
    pub empty_polls: u64,
    /// Transactions that took the write lock.
    pub write_transactions: u64,
    /// Those among them that waited for the disk.
    pub synced_transactions: u64,
}

impl Counters {
    /// What was met since an earlier reading.
    #[must_use]
    pub const fn since(self, earlier: Self) -> Self {
        Self {
            busy_errors: self.busy_errors.saturating_sub(earlier.busy_errors),
            busy_waits: self.busy_waits.saturating_sub(earlier.busy_waits),
            claim_conflicts: self.claim_conflicts.saturating_sub(earlier.claim_conflicts),
            empty_polls: self.empty_polls.saturating_sub(earlier.empty_polls),
            write_transactions: self.write_transactions.saturating_sub(earlier.write_transactions),
            synced_transactions: self
                .synced_transactions
                .saturating_sub(earlier.synced_transactions),
        }
    }
}

/// How many tasks stand where.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Census {
    /// May be claimed.
    pub ready: u64,
    /// Wait for their time.
    pub scheduled: u64,
    /// Held by a lease.
    pub leased: u64,
    /// Dead letters.
    pub dead: u64,
}

impl Census {
    /// Of this queue and another.
    #[must_use]
    pub const fn and(self, other: Self) -> Self {
        Self {
            ready: self.ready + other.ready,
            scheduled: self.scheduled + other.scheduled,
            leased: self.leased + other.leased,
            dead: self.dead + other.dead,
        }
    }
}

/// What a pool has done when it has stopped.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct CrewReport {
    /// Handlers run to their end, by worker.
    pub per_worker: Vec<u64>,
    /// What went wrong beside failing handlers and busy answers, which are counted elsewhere.
    pub errors: Vec<String>,
}

/// A running pool.
pub trait RunningCrew: Send {
    /// Stops it: nothing more is claimed, what runs may finish within the bound.
    fn stop(self: Box<Self>, bound: Duration) -> CrewReport;
}

/// An open database of an engine.
pub trait Engine: Send + Sync {
    /// Adds one task durably and returns its id.
    ///
    /// # Errors
    /// The engine's; the task was then not added.
    fn enqueue(&self, task: &TaskSpec) -> Result<i64, EngineError>;

    /// Adds tasks in one transaction and returns their ids in order.
    ///
    /// # Errors
    /// The engine's; no task was then added.
    fn enqueue_all(&self, tasks: &[TaskSpec]) -> Result<Vec<i64>, EngineError>;

    /// Claims up to `max` tasks of a type and keeps them without ever settling them.
    ///
    /// # Errors
    /// The engine's; nothing was then claimed.
    fn hold(
        &self,
        task_type: &'static str,
        max: usize,
        lease: Duration,
    ) -> Result<Vec<i64>, EngineError>;

    /// Starts a pool.
    ///
    /// # Errors
    /// The engine's; no thread is then left running.
    fn start(&self, crew: Crew) -> Result<Box<dyn RunningCrew>, EngineError>;

    /// Starts a pool on a queue of this name.
    ///
    /// # Errors
    /// The engine's; [`EngineError::Lacks`] if it has but one queue.
    fn start_on(&self, queue: &str, crew: Crew) -> Result<Box<dyn RunningCrew>, EngineError> {
        only_default(queue)?;
        self.start(crew)
    }

    /// Where the tasks of a queue stand.
    ///
    /// # Errors
    /// The engine's; [`EngineError::Lacks`] if it has but one queue.
    fn census_of(&self, queue: &str) -> Result<Census, EngineError> {
        only_default(queue)?;
        self.census()
    }

    /// Sets in which order a queue gives its tasks.
    ///
    /// # Errors
    /// The engine's; [`EngineError::Lacks`] if it has but one queue or knows but one order.
    fn set_order(&self, queue: &str, order: Order) -> Result<(), EngineError> {
        only_default(queue)?;
        if order == Order::Priority {
            return Ok(());
        }
        Err(EngineError::Lacks { what: format!("the order {order:?}") })
    }

    /// What was met so far.
    fn counters(&self) -> Counters;

    /// Where the tasks stand.
    ///
    /// # Errors
    /// The engine's.
    fn census(&self) -> Result<Census, EngineError>;

    /// The settings that matter for durability and speed, read back, and `sqlite_version`.
    ///
    /// # Errors
    /// The engine's.
    fn settings(&self) -> Result<Vec<(String, String)>, EngineError>;
}

fn only_default(queue: &str) -> Result<(), EngineError> {
    if queue == DEFAULT_QUEUE {
        return Ok(());
    }
    Err(EngineError::Lacks { what: format!("the queue {queue:?}: it knows but {DEFAULT_QUEUE:?}") })
}

/// How to open a database.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct OpenOptions {
    /// Workers a pool on it will have at most.
    pub workers: usize,
    /// How long a failed task waits for its next attempt.
    pub retry: Duration,
    /// What a commit survives.
    pub durability: Durability,
}

/// Which engine is under test.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub enum EngineKind {
    /// The queue of this workspace.
    #[default]
    Prismq,
    /// A pool of connections, one transaction an operation.
    Pooled,
    /// One connection behind a mutex, one transaction an operation.
    Mutex,
}

impl EngineKind {
    /// Reads an engine's name.
    ///
    /// # Errors
    /// [`Error::Setting`] for any other name.
    pub fn parse(name: &str) -> Result<Self, Error> {
        match name {
            "prismq" => Ok(Self::Prismq),
            "pooled" => Ok(Self::Pooled),
            "mutex" => Ok(Self::Mutex),
            other => Err(Error::Setting {
                variable: VARIABLE,
                value: other.to_owned(),
                allowed: "prismq, pooled and mutex",
            }),
        }
    }

    /// The engine the environment asks for.
    ///
    /// # Errors
    /// [`Error::Setting`] if it asks for one that does not exist.
    pub fn from_env() -> Result<Self, Error> {
        match env::var_os(VARIABLE) {
            None => Ok(Self::default()),
            Some(value) => Self::parse(&value.to_string_lossy()),
        }
    }

    /// Its name in records.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Prismq => "prismq",
            Self::Pooled => "pooled",
            Self::Mutex => "mutex",
        }
    }

    /// Opens or creates a database in this file.
    ///
    /// # Errors
    /// The engine's.
    pub fn open(self, path: &Path, options: OpenOptions) -> Result<Box<dyn Engine>, EngineError> {
        Ok(match self {
            Self::Prismq => Box::new(PrismqEngine::open(path, options)?),
            Self::Pooled => Box::new(PooledEngine::open(path, options, Sharing::Pool)?),
            Self::Mutex => Box::new(PooledEngine::open(path, options, Sharing::Mutex)?),
        })
    }
}

/// What an engine answers when it fails.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum EngineError {
    /// prismq failed.
    #[error(transparent)]
    Prismq(#[from] prismq::Error),
    /// SQLite failed.
    #[error(transparent)]
    Sqlite(#[from] rusqlite::Error),
    /// The connection pool failed.
    #[error(transparent)]
    Pool(#[from] r2d2::Error),
    /// It does not know how.
    #[error("this engine does not have {what}")]
    Lacks {
        /// What was asked for.
        what: String,
    },
    /// A thread could not be started.
    #[error("cannot start a worker thread: {0}")]
    Thread(#[source] std::io::Error),
}

impl EngineError {
    /// Whether the operation may succeed if it is tried again: the database was busy.
    #[must_use]
    pub fn is_busy(&self) -> bool {
        match self {
            Self::Prismq(error) => error.is_busy(),
            Self::Sqlite(error) => pooled::is_busy(error),
            Self::Pool(_) | Self::Lacks { .. } | Self::Thread(_) => false,
        }
    }
}
