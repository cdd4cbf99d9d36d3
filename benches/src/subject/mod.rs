//! What a task queue under test offers, and nothing of how it does so.
//!
//! [`Subject`] takes and returns plain data, so that a queue in another process can stand behind it: a load is
//! a list of tasks and times, a handler is an entry of an enumeration, times are those of a clock that
//! processes share. The subject itself keeps the pace of a load. Behind it stand the queues of [`local`], in
//! this process: prismq and two yardsticks. `PRISMQ_ENGINE` chooses. [`remote`] has queues of other processes, which
//! obey a protocol of their own.

mod counts;
mod kind;
mod load;
pub mod local;
mod names;
mod pool;
#[cfg(target_os = "linux")]
pub mod remote;
mod task;

pub use counts::{Census, Counters};
pub use kind::{Capability, OpenOptions, SubjectKind};
pub use load::{Arrival, Load, Offered, Pace, Tasks};
pub use names::intern;
pub use pool::{
    Cycle, Ending, Fail, Handler, PoolReport, PoolSpec, Recording, Run, RunningPool, Settled, Sink,
    Work,
};
pub use prismq::{Durability, Order};
pub use task::{DEFAULT_PRIORITY, DEFAULT_QUEUE, TaskSpec, number_of, payload};

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use crate::base::clock::Clock;
use crate::base::error::Result;

/// The processor time that the server of the queues has used so far, if the run has started one.
#[must_use]
pub fn server_time() -> Option<Duration> {
    #[cfg(feature = "postgres")]
    return local::server::processor_time();
    #[cfg(not(feature = "postgres"))]
    None
}

/// An open task queue under test. Errors are [`Error::Subject`](crate::base::error::Error::Subject) with the
/// queue's own error as their source.
pub trait Subject: Send + Sync {
    /// Enqueues the tasks of a load at its pace and returns when the last is answered. While the answer to a
    /// call is busy, the call is repeated.
    ///
    /// # Errors
    /// The queue's; what was enqueued until then stays.
    fn enqueue(&self, load: &Load<'_>) -> Result<Offered>;

    /// Claims up to `max` tasks of a type and keeps them without ever settling them.
    ///
    /// # Errors
    /// The queue's; nothing was then claimed.
    fn hold(&self, task_type: &'static str, max: usize, lease: Duration) -> Result<Vec<i64>>;

    /// Starts a pool.
    ///
    /// # Errors
    /// What the queue returns, also for an unknown queue name. No thread is left running after an error.
    fn start(&self, pool: &PoolSpec, sink: Arc<dyn Sink>) -> Result<Box<dyn RunningPool>>;

    /// Sets in which order a queue gives its tasks.
    ///
    /// # Errors
    /// The queue's, also where it does not know this order.
    fn set_order(&self, queue: &str, order: Order) -> Result<()>;

    /// The tasks of a queue, by state.
    ///
    /// # Errors
    /// The queue's.
    fn census(&self, queue: &str) -> Result<Census>;

    /// What was counted so far.
    fn counters(&self) -> Counters;

    /// The settings that matter for durability and speed, read back, and `sqlite_version`.
    ///
    /// # Errors
    /// The queue's.
    fn settings(&self) -> Result<Vec<(String, String)>>;

    /// The clock of its times.
    fn clock(&self) -> &dyn Clock;

    /// Its database, if that is a file that can be watched.
    fn file(&self) -> Option<&Path>;
}
