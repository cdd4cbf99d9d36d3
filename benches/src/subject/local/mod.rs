//! Subjects that run in this process.
//!
//! A [`LocalQueue`] is called task by task and runs handlers that are closures; [`InProcess`] makes a
//! [`Subject`](crate::subject::Subject) of it: it generates the load, plays the handlers and takes the times.
//! Queues are [`mod@prismq`], the queue of this workspace, also in PostgreSQL, and two yardsticks in [`pooled`]: a pool of
//! connections, the design most teams start with, and one connection behind a mutex, the usual next step.

mod generator;
mod handler;
mod in_process;
pub mod pooled;
pub mod prismq;
pub(crate) mod schema;
#[cfg(feature = "postgres")]
pub mod server;

pub use in_process::InProcess;

use std::sync::Arc;
use std::time::Duration;

use thiserror::Error;

use crate::subject::{Census, Counters, DEFAULT_QUEUE, Order, RunningPool, Settled, TaskSpec};

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
pub type HandlerFn = Arc<dyn Fn(&Attempt<'_>) -> Result<(), String> + Send + Sync>;

/// Called for each attempt, after its commit.
pub type Listener = Arc<dyn Fn(&Settled) + Send + Sync>;

/// A worker pool to be started.
#[derive(Clone)]
pub struct LocalPool {
    /// Threads that run handlers.
    pub workers: usize,
    /// How long a claimed task stays the pool's if it dies.
    pub lease: Duration,
    /// What runs each type of task.
    pub handlers: Vec<(&'static str, HandlerFn)>,
    /// Called for each attempt.
    pub listener: Listener,
}

/// An open database of a task queue.
pub trait LocalQueue: Send + Sync {
    /// Adds one task durably and returns its id.
    ///
    /// # Errors
    /// The queue's; the task was then not added.
    fn enqueue(&self, task: &TaskSpec) -> Result<i64, LocalError>;

    /// Adds tasks in one transaction and returns their ids in order.
    ///
    /// # Errors
    /// The queue's; no task was then added.
    fn enqueue_all(&self, tasks: &[TaskSpec]) -> Result<Vec<i64>, LocalError>;

    /// Claims up to `max` tasks of a type and keeps them without ever settling them.
    ///
    /// # Errors
    /// The queue's; nothing was then claimed.
    fn hold(
        &self,
        task_type: &'static str,
        max: usize,
        lease: Duration,
    ) -> Result<Vec<i64>, LocalError>;

    /// Starts a pool on the default queue.
    ///
    /// # Errors
    /// The queue's; no thread is then left running.
    fn start(&self, pool: LocalPool) -> Result<Box<dyn RunningPool>, LocalError>;

    /// Starts a pool on a queue of this name.
    ///
    /// # Errors
    /// The queue's; [`LocalError::Lacks`] if it has but one queue.
    fn start_on(&self, queue: &str, pool: LocalPool) -> Result<Box<dyn RunningPool>, LocalError> {
        only_default(queue)?;
        self.start(pool)
    }

    /// The tasks of the default queue, by state.
    ///
    /// # Errors
    /// The queue's.
    fn census(&self) -> Result<Census, LocalError>;

    /// The tasks of a queue, by state.
    ///
    /// # Errors
    /// The queue's; [`LocalError::Lacks`] if it has but one queue.
    fn census_of(&self, queue: &str) -> Result<Census, LocalError> {
        only_default(queue)?;
        self.census()
    }

    /// Sets in which order a queue gives its tasks.
    ///
    /// # Errors
    /// The queue's; [`LocalError::Lacks`] if it has but one queue or knows but one order.
    fn set_order(&self, queue: &str, order: Order) -> Result<(), LocalError> {
        only_default(queue)?;
        if order == Order::Priority {
            return Ok(());
        }
        Err(LocalError::Lacks { what: format!("the order {order:?}") })
    }

    /// What was counted so far.
    fn counters(&self) -> Counters;

    /// The settings that matter for durability and speed, read back, and `sqlite_version`.
    ///
    /// # Errors
    /// The queue's.
    fn settings(&self) -> Result<Vec<(String, String)>, LocalError>;
}

fn only_default(queue: &str) -> Result<(), LocalError> {
    if queue == DEFAULT_QUEUE {
        return Ok(());
    }
    Err(LocalError::Lacks {
        what: format!("the queue {queue:?}: its only queue is {DEFAULT_QUEUE:?}"),
    })
}

/// What a queue answers when it fails.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum LocalError {
    /// prismq failed.
    #[error(transparent)]
    Prismq(#[from] ::prismq::Error),
    /// SQLite failed.
    #[error(transparent)]
    Sqlite(#[from] rusqlite::Error),
    /// PostgreSQL failed.
    #[cfg(feature = "postgres")]
    #[error(transparent)]
    Postgres(#[from] tokio_postgres::Error),
    /// The connection pool failed.
    #[error(transparent)]
    Pool(#[from] r2d2::Error),
    /// It does not offer this.
    #[error("this queue does not have {what}")]
    Lacks {
        /// What was asked for.
        what: String,
    },
    /// A thread could not be started.
    #[error("cannot start a worker thread: {0}")]
    Thread(#[source] std::io::Error),
}

impl LocalError {
    /// Whether the operation may succeed if it is tried again: the database was busy.
    #[must_use]
    pub fn is_busy(&self) -> bool {
        match self {
            Self::Prismq(error) => error.is_busy(),
            Self::Sqlite(error) => pooled::is_busy(error),
            #[cfg(feature = "postgres")]
            Self::Postgres(_) => false,
            Self::Pool(_) | Self::Lacks { .. } | Self::Thread(_) => false,
        }
    }
}
