//! The worker pool: threads that run the handlers of claimed tasks, and one that claims and settles.
//!
//! The workers ([`threads::worker`]) only run handlers. The leader ([`threads::leader`]) commits their results, claims ahead for
//! them and extends leases. What each does next is decided by the [`scheduler`], under one lock. Transactions
//! that enqueue claim for the pool too where it can run the task at once ([`claimer`]). The application's
//! listeners are called by a thread of their own ([`threads::notifier`]).

mod builder;
mod claimer;
mod context;
mod event;
mod registry;
mod scheduler;
mod shutdown;
mod threads;

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::mpsc::Sender;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

pub use self::builder::WorkerPoolBuilder;
pub use self::context::TaskContext;
pub use self::event::{Event, Outcome, PoolStats};
pub use self::shutdown::ShutdownReport;

use self::registry::{Registry, forget_panic};
use self::scheduler::{Fault, Scheduler};
use self::threads::notifier::Notice;
use crate::core::Core;
use crate::engine::Changes;
use crate::model::{Claim, Error, Lease};
use crate::queue::Queue;
use crate::time::Signal;

/// Threads that run the tasks of a queue.
///
/// Dropping it shuts it down as [`WorkerPool::shutdown`] does, with a timeout of
/// [`SHUTDOWN_DEFAULT`](crate::limits::SHUTDOWN_DEFAULT).
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
///     .handler("mail", move |task| {
///         _ = sent.send(task.payload().to_vec());
///         Ok(())
///     })
///     .start()?;
/// queue.enqueue(&NewTask::new("mail", *b"hello"))?;
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

/// What the threads of a pool share.
struct Shared {
    core: Core,
    registry: Registry,
    claim: Claim,
    scheduler: Mutex<Scheduler>,
    /// Wakes a waiting worker.
    wakeup: Condvar,
    /// Notified when a pool that ends has come further.
    progress: Condvar,
    /// Wakes the leader.
    leader_signal: Arc<Signal>,
    /// Raised when the pool becomes idle, and when it ends.
    idle_signal: Signal,
    /// To the thread that calls listeners, if the application has set some.
    notices: Option<Sender<Notice>>,
}

impl Shared {
    fn scheduler(&self) -> MutexGuard<'_, Scheduler> {
        self.scheduler.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Blocks a worker until it is woken.
    fn wait_for_wakeup<'a>(
        &self,
        scheduler: MutexGuard<'a, Scheduler>,
    ) -> MutexGuard<'a, Scheduler> {
        self.wakeup
            .wait_while(scheduler, |scheduler| !scheduler.take_wakeup())
            .unwrap_or_else(PoisonError::into_inner)
    }

    /// Blocks until the pool has come so far, until `deadline` if there is one.
    fn wait_until<'a>(
        &self,
        scheduler: MutexGuard<'a, Scheduler>,
        deadline: Option<Instant>,
        done: impl Fn(&Scheduler) -> bool,
    ) -> MutexGuard<'a, Scheduler> {
        let waits = |scheduler: &mut Scheduler| !done(scheduler);
        match deadline.map(|deadline| deadline.saturating_duration_since(Instant::now())) {
            None => {
                self.progress.wait_while(scheduler, waits).unwrap_or_else(PoisonError::into_inner)
            }
            Some(left) => {
                let waited = self.progress.wait_timeout_while(scheduler, left, waits);
                waited.unwrap_or_else(PoisonError::into_inner).0
            }
        }
    }

    /// Wakes so many waiting workers.
    fn wake_workers(&self, workers: usize) {
        for _ in 0..workers {
            self.wakeup.notify_one();
        }
    }

    /// Leases, each with the index of its type. A claim returns no types without a handler.
    fn with_type_indices(&self, leases: Vec<Lease>) -> Vec<(Lease, usize)> {
        let with_index = |lease: Lease| {
            let index = self.registry.index(lease.task_type()).unwrap_or(usize::MAX);
            (lease, index)
        };
        leases.into_iter().map(with_index).collect()
    }

    /// Sends events to the listener, if there is one.
    fn send_events(&self, events: &[Event]) {
        let Some(notices) = &self.notices else { return };
        self.scheduler().events_sent(events.len());
        for event in events {
            // It fails only once the listener's thread has ended.
            _ = notices.send(Notice::Event(*event));
        }
    }

    /// Writes a fault to the log and sends it to the listener.
    fn report_fault(&self, fault: &Fault) {
        let error = &fault.error;
        if fault.recoverable {
            tracing::error!(%error, "worker pool suspended: retrying at least every second, claiming nothing until then");
        } else {
            tracing::error!(%error, "worker pool stopped for good: open the queue again and start another pool");
        }
        if let Some(notices) = &self.notices {
            _ = notices.send(Notice::Fault(error.clone()));
        }
    }

    /// Runs one of the pool's threads. If it panics, say in the application's clock, the pool stops for good.
    fn run_thread(&self, body: impl FnOnce()) {
        if let Err(panic) = catch_unwind(AssertUnwindSafe(body)) {
            forget_panic(panic);
            let cause = "a thread of the worker pool panicked".to_owned();
            let fault = self.scheduler().fail(Error::Poisoned { cause }, Instant::now());
            if let Some(fault) = fault {
                self.report_fault(&fault);
            }
            let woken = self.scheduler().stop();
            self.wake_workers(woken);
            self.leader_signal.raise();
        }
        self.thread_ended();
    }

    fn thread_ended(&self) {
        self.scheduler().thread_ended();
        self.progress.notify_all();
    }
}

impl std::fmt::Debug for Shared {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Shared").field("claim", &self.claim).finish_non_exhaustive()
    }
}
