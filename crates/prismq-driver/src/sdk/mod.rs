//! For drivers in Rust: a library implements [`Library`] and [`Queue`], and [`drive`] obeys the harness.

mod callers;
mod handler;
mod obey;
mod output;

pub use handler::{Done, Handler, Rest, Run};
pub use obey::drive;
pub(crate) use output::Output;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use crate::message::{About, Census, Open, Opened};

/// A task queue's library, and how its queue is opened.
pub trait Library: Send + Sync {
    /// What it is and what it claims.
    fn about(&self) -> About;

    /// Opens or creates the queue, and reads its settings back.
    ///
    /// # Errors
    /// The library's.
    fn open(&self, open: &Open) -> Result<(Arc<dyn Queue>, Opened), Refused>;
}

/// A task to be enqueued.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Task {
    /// Its payload.
    pub payload: String,
    /// Its priority, 0 first; always 0 unless the driver can `priority`.
    pub priority: u8,
    /// The number of its type; always 0 unless the driver can `types`.
    pub task_type: u16,
    /// How many of its first attempts will fail; always 0 unless the driver can `retry`. For queues that want to know
    /// beforehand how many attempts to allow.
    pub fails: u8,
}

/// An open queue. It is closed when it is dropped.
pub trait Queue: Send + Sync + 'static {
    /// Enqueues one task, or as many in one call if the driver can `batch`, and returns when the library answers that
    /// they are stored.
    ///
    /// # Errors
    /// The library's; [`Refused::Busy`] has the call repeated.
    fn enqueue(&self, tasks: &[Task]) -> Result<(), Refused>;

    /// Starts workers that pass each task to [`Handler::handle`], or to [`Handler::begin`] and [`Run::end`], and report
    /// what became of it to [`Done::settled`].
    ///
    /// # Errors
    /// The library's; nothing is then left running.
    fn start(&self, workers: usize, handler: &Handler) -> Result<Box<dyn Pool>, Refused>;

    /// Counts the tasks; unknown unless the library counts them.
    ///
    /// # Errors
    /// The library's.
    fn census(&self) -> Result<Census, Refused> {
        Ok(Census::default())
    }

    /// Counters of its own, by name.
    fn counters(&self) -> BTreeMap<String, f64> {
        BTreeMap::new()
    }
}

/// Running workers.
pub trait Pool: Send {
    /// Stops them: nothing more is claimed, running handlers may end within the bound. Returns what went wrong.
    fn stop(self: Box<Self>, bound: Duration) -> Vec<String>;
}

/// Why a library did not do something. Made of any error by `?`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Refused {
    /// It was busy: the same call may work later.
    Busy(String),
    /// It failed.
    Failed(String),
}

impl Refused {
    /// A failure with this reason.
    pub fn failed(reason: impl Into<String>) -> Self {
        Self::Failed(reason.into())
    }

    /// The reason.
    #[must_use]
    pub fn reason(&self) -> &str {
        match self {
            Self::Busy(reason) | Self::Failed(reason) => reason,
        }
    }
}

impl<E: std::error::Error> From<E> for Refused {
    fn from(error: E) -> Self {
        let mut reason = error.to_string();
        let mut source = error.source();
        while let Some(cause) = source {
            reason = format!("{reason}: {cause}");
            source = cause.source();
        }
        Self::Failed(reason)
    }
}
