//! The end of a pool: nothing more is claimed, what was prefetched goes back, what runs may finish.

use std::mem;
use std::time::{Duration, Instant};

use super::WorkerPool;
use super::event::PoolStats;
use crate::error::Error;
use crate::limits::SHUTDOWN_DEFAULT;
use crate::task::TaskId;

/// What a pool did over its life, and what it left.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct ShutdownReport {
    /// What it did.
    pub stats: PoolStats,
    /// Tasks whose handlers still ran when the time was up. Each is settled when its handler ends
    /// within its lease, else reclaimed when the lease expires.
    pub abandoned: Vec<TaskId>,
    /// Why the pool had stopped by itself, if it had.
    pub error: Option<Error>,
}

impl WorkerPool {
    /// Stops claiming, gives back what no worker has begun, waits up to `timeout` for running
    /// handlers, commits their results and says what happened.
    pub fn shutdown(mut self, timeout: Duration) -> ShutdownReport {
        self.stop(timeout)
    }

    fn stop(&mut self, timeout: Duration) -> ShutdownReport {
        if let Err(forked) = self.crew.queue.check_owner() {
            return self.disown(forked);
        }
        let deadline = Instant::now().checked_add(timeout);
        let threads = mem::take(&mut self.threads);
        let mut state = self.crew.state();
        state.drain(Instant::now());
        drop(state);
        self.crew.changed.notify_all();
        self.crew.queue.work().raise();

        let mut state = self.crew.state();
        while !state.is_settled() {
            let left = deadline.map(|deadline| deadline.saturating_duration_since(Instant::now()));
            if left.is_some_and(|left| left.is_zero()) {
                break;
            }
            state = self.crew.wait(state, left);
        }
        let report = ShutdownReport {
            stats: state.stats(),
            abandoned: state.in_hand().map(|key| key.id).collect(),
            error: state.halted().cloned(),
        };
        state.dismiss();
        drop(state);
        self.crew.attend.raise();
        self.crew.listen.raise();
        #[cfg(target_os = "linux")]
        if let Some((listener, thread)) = self.listener.take() {
            listener.stop();
            join(thread);
        }
        // A handler that never returns must not keep its caller.
        if report.abandoned.is_empty() {
            for thread in threads {
                join(thread);
            }
        }
        if let Some(attendant) = self.attendant.take() {
            join(attendant);
        }
        report
    }

    /// In a fork, which inherits the pool without its threads: there is nothing to stop, and no lock to
    /// take that one of them may have held.
    fn disown(&mut self, forked: Error) -> ShutdownReport {
        mem::forget(mem::take(&mut self.threads));
        mem::forget(self.attendant.take());
        #[cfg(target_os = "linux")]
        mem::forget(self.listener.take());
        let (stats, abandoned) = (PoolStats::default(), Vec::new());
        ShutdownReport { stats, abandoned, error: Some(forked) }
    }
}

fn join(thread: std::thread::JoinHandle<()>) {
    if thread.join().is_err() {
        tracing::error!("a thread of the pool panicked");
    }
}

impl Drop for WorkerPool {
    fn drop(&mut self) {
        if self.attendant.is_some() {
            self.stop(SHUTDOWN_DEFAULT);
        }
    }
}
