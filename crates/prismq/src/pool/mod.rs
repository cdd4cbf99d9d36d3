//! The worker pool: threads that run the handlers of claimed tasks, and one that claims and settles.
//!
//! The workers ([`worker`]) only run handlers. The leader ([`leader`]) commits what they finished, claims
//! ahead for them and extends leases. What to do next is decided by the [`scheduler`], under one lock. A
//! transaction that enqueues for an idle pool, or something urgent for a busy one, claims for it too
//! ([`claimer`]). Listeners of the
//! application are called by a thread of their own ([`notifier`]).

mod builder;
mod caller;
mod claimer;
mod context;
mod event;
#[cfg(target_os = "linux")]
mod inotify;
mod leader;
mod notifier;
mod registry;
mod scheduler;
mod shutdown;
mod worker;

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::mpsc::Sender;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

pub use self::builder::WorkerPoolBuilder;
pub use self::context::TaskContext;
pub use self::event::{Event, Outcome, PoolStats};
pub use self::shutdown::ShutdownReport;

use self::notifier::Notice;
use self::registry::{Registry, forget_panic};
use self::scheduler::{Fault, Scheduler};
use crate::core::Core;
use crate::model::{Claim, Error, Lease};
use crate::queue::Queue;
use crate::time::Signal;

/// Threads at work on a queue. Dropping it shuts it down, as [`WorkerPool::shutdown`] does, and waits for up
/// to [`SHUTDOWN_DEFAULT`](crate::limits::SHUTDOWN_DEFAULT).
#[derive(Debug)]
#[must_use = "dropping the pool stops it"]
pub struct WorkerPool {
    shared: Arc<Shared>,
    threads: Vec<JoinHandle<()>>,
    #[cfg(target_os = "linux")]
    inotify: Option<Arc<inotify::Inotify>>,
}

impl WorkerPool {
    /// Prepares a pool for this queue.
    pub fn builder(queue: &Queue) -> WorkerPoolBuilder {
        WorkerPoolBuilder::new(queue.core().clone())
    }

    /// What the pool has done so far. All zero in a fork of the process that started it.
    #[must_use]
    pub fn stats(&self) -> PoolStats {
        match self.shared.core.check_owner() {
            Ok(()) => self.shared.scheduler().stats(),
            Err(_) => PoolStats::default(),
        }
    }

    /// Whether the pool takes tasks: not while [`WorkerPool::error`] says why, nor after it has ended.
    #[must_use]
    pub fn is_running(&self) -> bool {
        self.shared.core.check_owner().is_ok() && self.shared.scheduler().is_running()
    }

    /// Why the pool takes no tasks, if a fault of the queue keeps it from that.
    ///
    /// After [`Error::Poisoned`] it has ended for good: open the queue again and start another pool. Any
    /// other error may end by itself, say as the file is moved back or a newer version of the program
    /// is gone: the pool tries again, first soon and then every second, and goes on when that succeeds.
    #[must_use]
    pub fn error(&self) -> Option<Error> {
        match self.shared.core.check_owner() {
            Ok(()) => self.shared.scheduler().fault().map(|fault| fault.error.clone()),
            Err(forked) => Some(forked),
        }
    }

    /// Blocks for up to `timeout` until a permanent fault has stopped the pool; `true` if one has.
    #[must_use]
    pub fn wait(&self, timeout: Duration) -> bool {
        if self.shared.core.check_owner().is_err() {
            return true;
        }
        let deadline = Instant::now().checked_add(timeout);
        let scheduler = self.shared.scheduler();
        let scheduler = self.shared.wait_until(scheduler, deadline, Scheduler::has_stopped);
        scheduler.has_stopped()
    }
}

/// What the threads of a pool share.
struct Shared {
    core: Core,
    registry: Registry,
    claim: Claim,
    scheduler: Mutex<Scheduler>,
    /// For waiting workers.
    work: Condvar,
    /// For who waits for the pool's end.
    ended: Condvar,
    /// Raised for the leader.
    signal: Arc<Signal>,
    /// Raised when the pool begins to wait for work, and at the end.
    listen: Signal,
    /// To the thread that calls listeners, if the application has some.
    notices: Option<Sender<Notice>>,
}

impl Shared {
    fn scheduler(&self) -> MutexGuard<'_, Scheduler> {
        self.scheduler.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn wait_to_be_woken<'a>(
        &self,
        scheduler: MutexGuard<'a, Scheduler>,
    ) -> MutexGuard<'a, Scheduler> {
        self.work
            .wait_while(scheduler, |scheduler| !scheduler.end_wait())
            .unwrap_or_else(PoisonError::into_inner)
    }

    fn wait_until<'a>(
        &self,
        scheduler: MutexGuard<'a, Scheduler>,
        deadline: Option<Instant>,
        done: impl Fn(&Scheduler) -> bool,
    ) -> MutexGuard<'a, Scheduler> {
        let waits = |scheduler: &mut Scheduler| !done(scheduler);
        match deadline.map(|deadline| deadline.saturating_duration_since(Instant::now())) {
            None => self.ended.wait_while(scheduler, waits).unwrap_or_else(PoisonError::into_inner),
            Some(left) => {
                let waited = self.ended.wait_timeout_while(scheduler, left, waits);
                waited.unwrap_or_else(PoisonError::into_inner).0
            }
        }
    }

    /// Wakes so many waiting workers.
    fn wake(&self, workers: usize) {
        for _ in 0..workers {
            self.work.notify_one();
        }
    }

    /// Tasks, each with its type's place in the registry. A claim gives no other types.
    fn with_types(&self, leases: Vec<Lease>) -> Vec<(Lease, usize)> {
        let place = |lease: &Lease| self.registry.place(lease.task_type()).unwrap_or(usize::MAX);
        leases
            .into_iter()
            .map(|lease| (place(&lease), lease))
            .map(|(place, lease)| (lease, place))
            .collect()
    }

    /// Has the listener called for these events.
    fn tell(&self, events: &[Event]) {
        let Some(notices) = &self.notices else { return };
        self.scheduler().events_sent(events.len());
        for event in events {
            // It fails only after the end.
            _ = notices.send(Notice::Event(*event));
        }
    }

    /// Reports a fault of the queue.
    fn report(&self, fault: &Fault) {
        let error = &fault.error;
        if fault.may_end {
            tracing::error!(%error, "worker pool suspended: it takes no tasks and tries again every second");
        } else {
            tracing::error!(%error, "worker pool stopped: open the queue again and start another pool");
        }
        if let Some(notices) = &self.notices {
            _ = notices.send(Notice::Stopped(error.clone()));
        }
    }

    /// Runs the life of one of the pool's threads. If it panics, say by a panic of the caller's clock,
    /// the pool ends as by a fault that lasts.
    fn run(&self, life: impl FnOnce()) {
        if let Err(panic) = catch_unwind(AssertUnwindSafe(life)) {
            forget_panic(panic);
            let cause = "a thread of the worker pool panicked".to_owned();
            let fault = self.scheduler().fail(Error::Poisoned { cause }, Instant::now());
            if let Some(fault) = fault {
                self.report(&fault);
            }
            let woken = self.scheduler().stop();
            self.wake(woken);
            self.signal.raise();
        }
        self.end_thread();
    }

    fn end_thread(&self) {
        self.scheduler().end_thread();
        self.ended.notify_all();
    }
}

impl std::fmt::Debug for Shared {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Shared").field("claim", &self.claim).finish_non_exhaustive()
    }
}
