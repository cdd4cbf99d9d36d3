//! Shutting a pool down: nothing more is claimed, tasks that no worker has begun are released, running handlers
//! may return, and their results are committed. It takes no longer than the caller allows: what is not done by
//! then goes on in the background as long as its leases hold, and is listed in the report.

use std::future::poll_fn;
use std::mem;
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use super::WorkerPool;
use super::event::PoolStats;
use super::threads::caller::{self, Caller};
use crate::model::{Error, TaskId};
use crate::time::{Promise, wake};

/// What a pool has done, and what its shutdown left undone.
#[derive(Debug, Clone, Default)]
#[non_exhaustive]
pub struct ShutdownReport {
    /// What it has done.
    pub stats: PoolStats,
    /// Tasks whose handlers still ran when the time was up. Each is settled if its handler returns within its
    /// lease; otherwise it runs again once the lease has expired.
    pub abandoned: Vec<TaskId>,
    /// Tasks whose handlers returned, but whose results could not be committed in time, say because the disk
    /// is full or another process holds the write lock. The pool retries until their leases expire; then they
    /// run again.
    pub unsettled: Vec<TaskId>,
    /// Tasks that no handler ran and that could not be released in time, for the same reasons. The pool
    /// retries until their leases expire; then others claim them.
    pub held: Vec<TaskId>,
    /// The fault that suspended or stopped the pool, if one did.
    pub error: Option<Error>,
}

impl WorkerPool {
    /// Stops claiming, releases tasks that no worker has begun, and waits up to `timeout` for running handlers
    /// and the commit of their results.
    ///
    /// It may be called from a handler or a listener of the pool; it then waits for all others.
    pub fn shutdown(mut self, timeout: Duration) -> ShutdownReport {
        let caller = caller::of(&self.shared);
        self.stop(caller, timeout)
    }

    /// [`WorkerPool::shutdown`] as a future, which blocks no thread that polls it. A thread of its own waits for the
    /// pool; dropping the future once it was polled leaves that going on.
    ///
    /// # Examples
    /// ```
    /// # async fn stop(pool: prismq::WorkerPool) {
    /// let report = pool.shutdown_async(std::time::Duration::from_secs(30)).await;
    /// println!("{} completed, {} still run", report.stats.completed, report.abandoned.len());
    /// # }
    /// ```
    pub async fn shutdown_async(self, timeout: Duration) -> ShutdownReport {
        let caller = caller::of(&self.shared);
        let reported = Arc::<Promise<ShutdownReport>>::default();
        let promise = reported.clone();
        // Shared with the thread, so that it comes back if none can be started.
        let pool = Arc::new(Mutex::new(Some(self)));
        let stopping = pool.clone();
        let stop = move || {
            if let Some(mut pool) = take(&stopping) {
                let report = pool.stop(caller, timeout);
                // The handlers are dropped before the caller goes on.
                drop(pool);
                if let Ok(waker) = promise.set(report) {
                    wake(waker);
                }
            }
        };
        let Err(error) = thread::Builder::new().name("prismq-shutdown".to_owned()).spawn(stop)
        else {
            return poll_fn(|context| reported.poll(context)).await;
        };
        let mut report =
            take(&pool).map(|mut pool| pool.stop(caller, Duration::ZERO)).unwrap_or_default();
        report.error.get_or_insert(Error::Thread { source: Arc::new(error) });
        report
    }

    pub(super) fn stop(&mut self, caller: Option<Caller>, timeout: Duration) -> ShutdownReport {
        let threads = mem::take(&mut self.threads);
        if let Err(forked) = self.shared.core.check_owner() {
            return disown(threads, forked);
        }
        let deadline = Instant::now().checked_add(timeout);
        self.shared.begin_shutdown();

        let own_task = match caller {
            Some(Caller::Worker(worker)) => Some(worker),
            Some(Caller::Notifier) | None => None,
        };
        let scheduler = self.shared.scheduler();
        let mut scheduler =
            self.shared.wait_until(scheduler, deadline, |scheduler| scheduler.is_settled(own_task));
        let settled = scheduler.is_settled(own_task);
        scheduler.abandon();
        let woken = scheduler.wake_all();
        drop(scheduler);
        self.shared.wake_workers(woken);
        self.shared.leader_signal.raise();
        self.shared.idle_signal.raise();
        if let Some(changes) = self.changes.take() {
            changes.interrupt();
        }

        // A handler or a database that does not return must not block the caller.
        let own_threads = usize::from(caller.is_some());
        let mut scheduler = self.shared.scheduler();
        if settled && own_task.is_none() && !scheduler.is_suspended() {
            scheduler = self
                .shared
                .wait_until(scheduler, deadline, |scheduler| scheduler.threads() <= own_threads);
        }
        let report = ShutdownReport {
            stats: scheduler.stats(),
            abandoned: scheduler.running(),
            unsettled: scheduler.unsettled(),
            held: scheduler.unreleased(),
            error: scheduler.fault().map(|fault| fault.error.clone()),
        };
        let all_ended = scheduler.threads() <= own_threads;
        drop(scheduler);
        let own = thread::current().id();
        threads
            .into_iter()
            .filter(|thread| thread.thread().id() != own)
            .filter(|thread| all_ended || thread.is_finished())
            .for_each(join);
        report
    }
}

/// In a fork, which inherits the pool without its threads: there is nothing to stop, and a lock that one of them
/// held stays locked.
fn disown(threads: Vec<JoinHandle<()>>, forked: Error) -> ShutdownReport {
    mem::forget(threads);
    ShutdownReport { error: Some(forked), ..ShutdownReport::default() }
}

fn take(pool: &Mutex<Option<WorkerPool>>) -> Option<WorkerPool> {
    pool.lock().unwrap_or_else(PoisonError::into_inner).take()
}

fn join(thread: JoinHandle<()>) {
    if thread.join().is_err() {
        tracing::error!("worker pool thread panicked");
    }
}

impl Drop for WorkerPool {
    fn drop(&mut self) {
        if self.threads.is_empty() {
            return;
        }
        if self.shared.is_on_runtime() && self.shared.core.check_owner().is_ok() {
            // The thread that drops it may be the one that runs the handlers: it must not wait for them.
            self.shared.begin_shutdown();
            self.shared.idle_signal.raise();
            if let Some(changes) = &self.changes {
                changes.interrupt();
            }
        } else {
            let caller = caller::of(&self.shared);
            self.stop(caller, self.shutdown_timeout);
        }
    }
}
