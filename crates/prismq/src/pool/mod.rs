//! The worker pool: threads that run the handlers of claimed tasks, and one or two that claim and settle.
//!
//! The workers only run handlers. The leader commits their results, claims ahead for them and extends leases; on a server,
//! a second thread claims and extends. A thread watches for commits of other processes while the pool is idle, and one calls the application's
//! listeners ([`threads`]). What workers and leader do next is decided by the [`scheduler`], under one lock.
//! Transactions that enqueue claim for the pool too where it can run the task at once ([`claimer`]).

mod builder;
mod claimer;
mod event;
mod handler;
mod queues;
mod scheduler;
mod shared;
mod shutdown;
#[cfg(feature = "tokio")]
mod tasks;
#[cfg(feature = "testing")]
pub mod testing;
#[cfg(test)]
mod tests;
mod threads;
mod until_empty;

use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

pub use self::builder::WorkerPoolBuilder;
pub use self::event::{Event, Outcome, PoolQueueStats, PoolStats};
pub(crate) use self::handler::Attempt;
pub use self::handler::{CancelReason, Context};
pub use self::queues::PoolQueues;
pub use self::shutdown::ShutdownReport;

use self::scheduler::Scheduler;
use self::shared::Shared;
use crate::engine::Changes;
use crate::model::Error;
use crate::queue::Queue;

/// Threads that run the tasks of a queue, or of several ([`PoolQueues`]).
///
/// Dropping it shuts it down as [`WorkerPool::shutdown`] does, with the timeout of
/// [`WorkerPoolBuilder::shutdown_timeout`].
///
/// ```
/// use std::time::Duration;
/// use prismq::{NewTask, Queue, WorkerPool};
///
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # let folder = tempfile::tempdir()?;
/// let queue = Queue::open(folder.path().join("queue.db"))?;
/// let (sent, mails) = std::sync::mpsc::channel();
/// let pool = WorkerPool::builder(&queue)
///     .handle_bytes("mail", move |payload, _cx| {
///         _ = sent.send(payload.to_vec());
///         Ok(())
///     })
///     .start()?;
/// queue.enqueue(NewTask::new("mail", *b"hello"))?;
/// assert_eq!(mails.recv_timeout(Duration::from_secs(60))?, *b"hello");
///
/// let report = pool.shutdown(Duration::from_secs(60));
/// assert_eq!(report.stats.completed, 1);
/// # Ok(())
/// # }
/// ```
#[derive(Debug)]
#[must_use = "dropping the pool stops it"]
pub struct WorkerPool {
    shared: Arc<Shared>,
    threads: Vec<JoinHandle<()>>,
    /// What the watcher waits for, if there is one.
    changes: Option<Arc<dyn Changes>>,
    /// How long a shutdown that names no time waits for handlers.
    shutdown_timeout: Duration,
}

impl WorkerPool {
    /// Settings of a pool for this queue file, to be changed and started.
    pub fn builder(queue: &Queue) -> WorkerPoolBuilder {
        WorkerPoolBuilder::new(queue.core().clone())
    }

    /// What the pool has done, and holds now. All zero in a fork of the process that started it.
    #[must_use]
    pub fn stats(&self) -> PoolStats {
        match self.shared.core.check_owner() {
            Ok(()) => self.shared.scheduler().stats(),
            Err(_) => PoolStats::default(),
        }
    }

    /// Whether the pool takes tasks: not while a fault suspends it ([`WorkerPool::error`]), nor once it ends.
    #[must_use]
    pub fn is_running(&self) -> bool {
        self.shared.core.check_owner().is_ok() && self.shared.scheduler().is_running()
    }

    /// The fault of the queue that suspends or stopped the pool, if there is one.
    ///
    /// [`Error::Poisoned`] stops it for good: open the queue again and start another pool. Any other error may
    /// end by itself, say when the file is moved back: the pool tries again, first soon and then every second,
    /// and resumes when that succeeds.
    #[must_use]
    pub fn error(&self) -> Option<Error> {
        match self.shared.core.check_owner() {
            Ok(()) => self.shared.scheduler().fault().map(|fault| fault.error.clone()),
            Err(forked) => Some(forked),
        }
    }

    /// Blocks until the pool has stopped for good, for up to `timeout`; whether it has.
    #[must_use]
    pub fn wait(&self, timeout: Duration) -> bool {
        if self.shared.core.check_owner().is_err() {
            return true;
        }
        let deadline = Instant::now().checked_add(timeout);
        let scheduler = self.shared.scheduler();
        let scheduler = self.shared.wait_until(scheduler, deadline, Scheduler::is_stopped);
        scheduler.is_stopped()
    }
}
